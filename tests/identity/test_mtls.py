# SPDX-License-Identifier: Apache-2.0
"""The identity mtls, with certificates that certtool made and keys in files and in a PKCS#11 token."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from typing import Any

import support

ASKED = ("--audience", "the-verifier", "--nonce", "8f1c")


class MtlsCase(support.ZuctlCase):

    def setUp(self) -> None:
        super().setUp()
        self.authority("root")
        self.certificate("leaf", "root", "CN=agent-7,O=Example")

    def tool(self, *arguments: str, stdin: str = "") -> None:
        done = subprocess.run(["certtool", *arguments], cwd=self.folder, input=stdin, capture_output=True, text=True,
                              timeout=support.TIMEOUT, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def key(self, name: str, *kind: str) -> None:
        self.tool("--generate-privkey", *(kind or ("--key-type=ed25519",)), f"--outfile={name}.key")

    def template(self, name: str, *lines: str) -> None:
        (self.folder / f"{name}.cfg").write_text("\n".join(lines) + "\n")

    def authority(self, name: str) -> None:
        self.key(name)
        self.template(name, f'dn = "CN={name}"', "ca", "cert_signing_key", "crl_signing_key", "expiration_days = 10")
        self.tool("--generate-self-signed", f"--load-privkey={name}.key", f"--template={name}.cfg", f"--outfile={name}.pem")

    def certificate(self, name: str, issuer: str, subject: str, *lines: str, kind: tuple[str, ...] = ()) -> None:
        self.key(name, *kind)
        self.template(name, f'dn = "{subject}"', *(lines or ("signing_key", "tls_www_client", "expiration_days = 5")))
        self.tool("--generate-certificate", f"--load-privkey={name}.key", f"--load-ca-certificate={issuer}.pem",
                  f"--load-ca-privkey={issuer}.key", f"--template={name}.cfg", f"--outfile={name}.pem")

    def config(self, name: str, **members: Any) -> str:
        (self.folder / f"{name}.json").write_text(json.dumps(members))
        return f"--config={self.folder}/{name}.json"

    def holder(self, name: str = "leaf", **members: Any) -> str:
        return self.config(f"{name}-holder", certificate=f"{self.folder}/{name}.pem",
                           **{"key": f"{self.folder}/{name}.key", **members})

    def verifier(self, **members: Any) -> str:
        return self.config("verifier", **{"roots": f"{self.folder}/root.pem", **members})

    def present(self, config: str, *asked: str) -> str:
        return self.succeed("identity", "present", "--name=mtls", config, *(asked or ASKED))

    def accepts(self, proof: str, config: str, *asked: str) -> bool:
        done = self.zuctl("identity", "verify", "--name=mtls", config, *(asked or ASKED), stdin=proof)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        if done.returncode == 0:
            self.assertNotEqual(done.stdout, b"")
        return done.returncode == 0

    def changed(self, proof: str, **members: Any) -> str:
        whole = json.loads(proof)
        whole["proof"].update(members)
        return json.dumps(whole)


class Proofs(MtlsCase):

    def test_present_and_verify(self) -> None:
        proof = self.present(self.holder())
        self.assertEqual(self.succeed("identity", "verify", "--name=mtls", self.verifier(), *ASKED, stdin=proof),
                         "CN=agent-7,O=Example\n")

    def test_kinds_of_key(self) -> None:
        for name, kind, good in (("p256", ("--key-type=ecdsa", "--curve=secp256r1"), True),
                                 ("p384", ("--key-type=ecdsa", "--curve=secp384r1"), True),
                                 ("rsa", ("--key-type=rsa", "--bits=2048"), True),
                                 ("weak", ("--key-type=rsa", "--bits=1024"), False)):
            with self.subTest(name):
                self.certificate(name, "root", f"CN={name}", kind=kind)
                done = self.zuctl("identity", "present", "--name=mtls", self.holder(name), *ASKED)
                self.assertEqual(done.returncode == 0 and self.accepts(done.stdout.decode(), self.verifier()), good)

    def test_bound_to_challenge(self) -> None:
        proof = self.present(self.holder())
        verifier = self.verifier()
        self.assertFalse(self.accepts(proof, verifier, "--audience", "another", "--nonce", "8f1c"))
        self.assertFalse(self.accepts(proof, verifier, "--audience", "the-verifier", "--nonce", "8f1d"))
        self.fail_with(2, "audience and a nonce", "identity", "verify", "--name=mtls", verifier, stdin=proof)
        self.fail_with(2, "audience and a nonce", "identity", "verify", "--name=mtls", verifier, "--nonce=8f1c", stdin=proof)
        self.fail_with(2, "audience and a nonce", "identity", "present", "--name=mtls", self.holder(), "--audience=a")

    def test_time(self) -> None:
        proof = self.present(self.holder())
        for moment in ("2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "now", "", None, 5):
            self.assertFalse(self.accepts(self.changed(proof, time=moment), self.verifier()), moment)
        self.assertFalse(self.accepts(self.aged(), self.verifier(max_age=1)))

    def aged(self) -> str:
        """A proof made a few seconds ago, with a good signature."""
        proof = self.present(self.holder())
        time.sleep(2.5)
        return proof

    def test_measurement(self) -> None:
        bare, measured = self.present(self.holder()), self.present(self.holder(measurement="sha256:ab"))
        self.assertTrue(self.accepts(measured, self.verifier(expected_measurement="sha256:ab")))
        self.assertFalse(self.accepts(measured, self.verifier(expected_measurement="sha256:ac")))
        self.assertFalse(self.accepts(bare, self.verifier(expected_measurement="sha256:ab")))
        self.assertFalse(self.accepts(bare, self.verifier(require_measurement=True)))
        self.assertTrue(self.accepts(measured, self.verifier(require_measurement=True)))
        self.assertFalse(self.accepts(self.changed(bare, measurement="sha256:ab"),
                                      self.verifier(require_measurement=True)))
        self.assertFalse(self.accepts(self.changed(measured, measurement=None), self.verifier()))

    def test_tampered(self) -> None:
        proof = self.present(self.holder())
        whole = json.loads(proof)
        signature = bytearray(base64.b64decode(whole["proof"]["sig"]))
        signature[0] ^= 1
        self.certificate("other", "root", "CN=agent-7,O=Example")
        other = json.loads(self.present(self.holder("other")))
        for name, members in (("sig", {"sig": base64.b64encode(signature).decode()}),
                              ("no-sig", {"sig": None}), ("empty-sig", {"sig": ""}),
                              ("long-sig", {"sig": "A" * 100000}),
                              ("no-chain", {"chain": None}), ("empty-chain", {"chain": []}),
                              ("junk", {"chain": ["AAAA"]}), ("number", {"chain": [5]}),
                              ("long-chain", {"chain": whole["proof"]["chain"] * 9}),
                              ("another's", {"chain": other["proof"]["chain"]})):
            with self.subTest(name):
                self.assertFalse(self.accepts(self.changed(proof, **members), self.verifier()))
        for name, member in (("principal", "CN=root"), ("principal", ""), ("scheme", "static-hmac")):
            self.assertFalse(self.accepts(json.dumps({**whole, name: member}), self.verifier()), member)


class Chains(MtlsCase):

    def refused(self, name: str, **members: Any) -> None:
        self.assertFalse(self.accepts(self.present(self.holder(name)), self.verifier(**members)))

    def test_other_root(self) -> None:
        self.authority("stranger")
        self.certificate("far", "stranger", "CN=far")
        self.refused("far")

    def test_intermediate(self) -> None:
        self.certificate("middle", "root", "CN=middle", "ca", "cert_signing_key", "expiration_days = 5")
        self.certificate("deep", "middle", "CN=deep")
        self.refused("deep")
        chain = (self.folder / "deep.pem").read_text() + (self.folder / "middle.pem").read_text()
        (self.folder / "deep.pem").write_text(chain)
        self.assertTrue(self.accepts(self.present(self.holder("deep")), self.verifier()))

    def test_leaf_is_no_authority(self) -> None:
        self.certificate("below", "leaf", "CN=below")
        chain = (self.folder / "below.pem").read_text() + (self.folder / "leaf.pem").read_text()
        (self.folder / "below.pem").write_text(chain)
        self.refused("below")
        self.refused("root")

    def test_purpose_and_usage(self) -> None:
        self.certificate("server", "root", "CN=server", "signing_key", "tls_www_server", "expiration_days = 5")
        self.refused("server")
        self.certificate("encipher", "root", "CN=encipher", "encryption_key", "tls_www_client", "expiration_days = 5",
                         kind=("--key-type=rsa", "--bits=2048"))
        self.refused("encipher")

    def test_validity(self) -> None:
        self.certificate("late", "root", "CN=late", "signing_key", 'activation_date = "2020-01-01 00:00:00"',
                         'expiration_date = "2020-02-01 00:00:00"')
        self.refused("late")

    def test_revoked(self) -> None:
        self.certificate("gone", "root", "CN=gone", "signing_key", "expiration_days = 5", "serial = 4711")
        self.assertTrue(self.accepts(self.present(self.holder("gone")), self.verifier()))
        self.template("crl", "crl_next_update = 5", "crl_number = 1")
        self.tool("--generate-crl", "--load-ca-privkey=root.key", "--load-ca-certificate=root.pem",
                  "--load-certificate=gone.pem", "--template=crl.cfg", "--outfile=crl.pem")
        self.refused("gone", crl=f"{self.folder}/crl.pem")
        self.assertTrue(self.accepts(self.present(self.holder()), self.verifier(crl=f"{self.folder}/crl.pem")))
        self.authority("stranger")
        self.tool("--generate-crl", "--load-ca-privkey=stranger.key", "--load-ca-certificate=stranger.pem",
                  "--load-certificate=gone.pem", "--template=crl.cfg", "--outfile=forged.pem")
        self.fail_with(2, "no revocation list that a root has signed", "identity", "verify", "--name=mtls",
                       self.verifier(crl=f"{self.folder}/forged.pem"), *ASKED, stdin=self.present(self.holder()))


class Keys(MtlsCase):

    def test_bad_options(self) -> None:
        self.certificate("other", "root", "CN=other")
        for members, why in (({"certificate": f"{self.folder}/leaf.pem"}, "certificate and key"), ({}, "certificate and key"),
                             ({"certificate": f"{self.folder}/leaf.pem", "key": f"{self.folder}/other.key"}, "not the one"),
                             ({"certificate": f"{self.folder}/leaf.key", "key": f"{self.folder}/leaf.key"}, "leaf.key"),
                             ({"roots": f"{self.folder}/leaf.key"}, "leaf.key"), ({"roots": "/nonexistent"}, "nonexistent")):
            self.fail_with(2, why, "identity", "present", "--name=mtls", self.config("bad", **members), *ASKED)

    def test_token(self) -> None:
        """The key is in a PKCS#11 token, and no file has it."""
        tokens = self.folder / "tokens"
        tokens.mkdir()
        (self.folder / "softhsm2.conf").write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\n")
        (self.folder / "pin").write_text("1234")
        self.environment["SOFTHSM2_CONF"] = str(self.folder / "softhsm2.conf")
        self.certificate("hsm", "root", "CN=hsm", kind=("--key-type=rsa", "--bits=2048"))
        for arguments in (("softhsm2-util", "--init-token", "--free", "--label=zu", "--so-pin=1234", "--pin=1234"),
                          ("certtool", "--to-p8", "--load-privkey=hsm.key", "--password=", "--outfile=hsm.p8"),
                          ("softhsm2-util", "--import=hsm.p8", "--token=zu", "--label=agent", "--id=01", "--pin=1234")):
            done = subprocess.run(arguments, cwd=self.folder, env=self.environment, capture_output=True, text=True,
                                  timeout=support.TIMEOUT, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        os.unlink(self.folder / "hsm.key")
        os.unlink(self.folder / "hsm.p8")
        place = f"pkcs11:token=zu;object=agent;type=private?pin-source={self.folder}/pin"
        proof = self.present(self.holder("hsm", key=place))
        self.assertTrue(self.accepts(proof, self.verifier()))


if __name__ == "__main__":
    support.main()
