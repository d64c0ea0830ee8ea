# SPDX-License-Identifier: Apache-2.0
"""Ports implemented in Python and called through every face of them."""

import asyncio
import unittest

import gi

gi.require_version("Zu", "1")
from gi.repository import Gio, GLib, GObject, Zu  # noqa: E402


class Broker(GObject.Object, Zu.CredentialBroker):
    __gtype_name__ = "PythonBroker"

    def do_mint(self, nonce, cancellable):
        if nonce == "none":
            raise Zu.CredentialBrokerError("no secret is loaded", "no-secret")
        return f"tok_{nonce}"

    def do_introspect(self):
        return True


class EchoChannel(GObject.Object, Zu.Channel):
    __gtype_name__ = "EchoChannel"

    async def do_call(self, op, args):
        if op == "wait":
            await asyncio.sleep(60)
        return {"ok": True, "data": {"op": op, "args": args}}


class Backend(GObject.Object, Zu.SandboxBackend):
    __gtype_name__ = "PythonBackend"

    def do_launch(self, spec, owner):
        return Zu.Sandbox(id="one", backend="python", network=spec.network or "none", limits=[])

    def do_destroy(self, id, cancellable):
        self.gone = id

    def do_session_receive_begin(self, session, timeout_ms, call):
        raise KeyError(session)


class Ports(unittest.TestCase):
    def test_broker(self):
        broker = Broker()
        self.assertEqual(broker.mint("a"), "tok_a")
        self.assertEqual(broker.mint(), "tok_")
        self.assertIs(broker.introspect(), True)
        with self.assertRaises(Zu.CredentialBrokerError) as caught:
            broker.mint(nonce="none")
        self.assertEqual(caught.exception.nick, "no-secret")

    def test_channel(self):
        channel = EchoChannel()
        reply = channel.call("x", {"a": [1, None, 2.5]})
        self.assertTrue(reply.ok)
        self.assertEqual(reply.data, {"op": "x", "args": {"a": [1, None, 2.5]}})
        proxy = Zu.CredentialBrokerProxy.new(Zu.ChannelRemote.new(channel))
        with self.assertRaises(GLib.Error):
            proxy.mint("a")  # The answer has no token.

    def test_coroutine_is_cancelled(self):
        channel = EchoChannel()

        async def use():
            await asyncio.wait_for(channel.call_co("wait"), 0.05)

        with self.assertRaises(asyncio.TimeoutError):
            asyncio.run(use())

    def test_backend(self):
        backend = Backend()
        sandbox = backend.launch({"network": "isolated"})
        self.assertEqual((sandbox.id, sandbox.network), ("one", Zu.NetworkMode.ISOLATED))
        self.assertIsNone(backend.destroy("one"))
        self.assertEqual(backend.gone, "one")
        with self.assertLogs("zu"), self.assertRaises(GLib.Error) as caught:
            backend.session_receive("s")
        self.assertIn("KeyError", caught.exception.message)
        with self.assertRaises(GLib.Error) as missing:
            backend.wait("one", "p")
        self.assertTrue(missing.exception.matches(Gio.io_error_quark(), Gio.IOErrorEnum.NOT_SUPPORTED))
        with self.assertRaises(TypeError):
            backend.launch({"no_such_key": 1})


if __name__ == "__main__":
    unittest.main()
