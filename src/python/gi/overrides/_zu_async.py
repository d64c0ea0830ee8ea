# SPDX-License-Identifier: Apache-2.0
"""Coroutines: awaiting verbs of C, and verbs that are coroutines themselves."""

import asyncio
import threading

from gi.repository import Gio, GLib


class _Pump:
    """One thread whose main context receives the answers to all awaited calls."""

    def __init__(self):
        self.context = GLib.MainContext.new()
        threading.Thread(target=self._run, name="zu-await", daemon=True).start()

    def _run(self):
        self.context.push_thread_default()
        GLib.MainLoop.new(self.context, False).run()

    def do(self, function):
        """Calls a function in that thread."""
        def once(_data):
            function()
            return GLib.SOURCE_REMOVE

        source = GLib.idle_source_new()
        source.set_priority(GLib.PRIORITY_DEFAULT)
        source.set_callback(once, None)
        source.attach(self.context)


_lock = threading.Lock()
_pump = None
_loop = None


def _get_pump():
    global _pump
    with _lock:
        _pump = _pump or _Pump()
        return _pump


def _settle(future, value, error):
    if future.done():
        return
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(error)


async def wait_for(start, finish):
    """Awaits one call: START begins it with a cancellable and a callback, FINISH gives its result."""
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    cancellable = Gio.Cancellable()

    def tell(value, error):
        try:
            loop.call_soon_threadsafe(_settle, future, value, error)
        except RuntimeError:
            pass  # The loop was closed: nobody waits any more.

    def answered(_source, result, *_data):
        try:
            value = finish(result)
        except Exception as error:
            tell(None, error)
        else:
            tell(value, None)

    def begin():
        try:
            start(cancellable, answered)
        except Exception as error:
            tell(None, error)

    _get_pump().do(begin)
    try:
        return await future
    except asyncio.CancelledError:
        cancellable.cancel()
        raise


def _get_loop():
    """The loop that runs the coroutines of implementations, in a thread of its own."""
    global _loop
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="zu-verbs", daemon=True).start()
        return _loop


def run(coroutine, cancellable):
    """Starts a coroutine from any thread; a cancelled call cancels it."""
    future = asyncio.run_coroutine_threadsafe(coroutine, _get_loop())
    if cancellable is not None:
        handler = cancellable.connect(lambda *_: future.cancel())
        future.add_done_callback(lambda _: GLib.idle_add(lambda: cancellable.disconnect(handler)) and None)
    return future
