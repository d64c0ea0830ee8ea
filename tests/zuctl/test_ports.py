# SPDX-License-Identifier: Apache-2.0
"""zuctl ports and zuctl plugins."""

import json

import support


class Ports(support.ZuctlCase):

    def test_table(self) -> None:
        rows = self.succeed("ports").splitlines()
        self.assertEqual(rows[0].split(), ["NAME", "KIND", "MAJOR", "VERBS"])
        self.assertIn(["EventSink", "zu.sinks", "1", "append", "append_many", "query", "stream", "count"],
                      [row.split() for row in rows])

    def test_json(self) -> None:
        ports = {port["name"]: port for port in self.succeed_json("ports")}
        self.assertEqual(ports["CredentialBroker"]["kind"], "zu.channels")
        self.assertEqual(ports["CredentialBroker"]["major"], 1)
        self.assertEqual(ports["CredentialBroker"]["verbs"], ["mint", "check", "introspect", "grant", "use", "revoke", "list_grants"])
        self.assertTrue(all(port["brief"] for port in ports.values()))

    def test_show(self) -> None:
        text = self.succeed("ports", "show", "CredentialBroker")
        self.assertIn("mint (nonce: string = \"\") -> token: string", text)
        self.assertIn("refused with: no-secret", text)
        self.assertIn("On D-Bus: org.zu.Broker1 at /org/zu/Broker1", text)

    def test_show_json(self) -> None:
        for port in self.succeed_json("ports"):
            [description] = self.succeed_json("ports", "show", port["name"])
            self.assertEqual(description["port"], port["name"])
            self.assertEqual(list(description["methods"]), port["verbs"])
            self.assertTrue(self.succeed("ports", "show", port["name"]))

    def test_show_nothing(self) -> None:
        self.fail_with(2, r"no such port: Nope \(see zuctl ports\)", "ports", "show", "Nope")


class Plugins(support.ZuctlCase):

    def test_table(self) -> None:
        rows = self.succeed("plugins").splitlines()
        self.assertEqual(rows[0].split(), ["KIND", "PORT", "NAME", "STATUS", "TYPE", "MODULE", "ERROR"])
        self.assertIn(["zu.sinks", "EventSink", "sqlite", "available", "ZuSqliteSink"],
                      [row.split()[:5] for row in rows])

    def test_json(self) -> None:
        for plugin in self.succeed_json("plugins"):
            self.assertEqual(list(plugin), ["kind", "port", "name", "type", "module", "status", "error"])

    def test_failures_are_listed(self) -> None:
        modules = self.folder / "modules"
        modules.mkdir()
        (modules / "broken.zuplugin").write_text("[Plugin]\nkind=zu.sinks\nport=EventSink\nname=broken\nmajor=99\n"
                                                 "module=libbroken.so\ntype=Broken\n")
        text = self.succeed("plugins", "--json", ZU_MODULE_DIR=str(modules))
        [plugin] = [found for found in map(json.loads, text.splitlines()) if found["name"] == "broken"]
        self.assertEqual(plugin["status"], "failed")
        self.assertRegex(plugin["error"], "99")

    def test_absent(self) -> None:
        self.fail_with(2, "cannot open the log: .*nosuch", "log", "count", "nosuch:/x")
        self.fail_with(125, "cannot use the backend nosuch: ", "run", "--backend", "nosuch", "--", "true")


if __name__ == "__main__":
    support.main()
