# SPDX-License-Identifier: Apache-2.0
"""The identity spiffe: X509-SVIDs from certtool, JWT-SVIDs signed by openssl, files that are rotated."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from typing import Any

import support

DOMAIN = "example.org"
ID = f"spiffe://{DOMAIN}/agent/7"
ASKED = ("--audience", "the-verifier", "--nonce", "8f1c")
FOR_TOKENS = ("--audience", "the-verifier")
LEAF = ("signing_key", "expiration_days = 5")


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class SpiffeCase(support.ZuctlCase):

    def run_in(self, *arguments: str, stdin: bytes = b"") -> bytes:
        done = subprocess.run(arguments, cwd=self.folder, input=stdin, capture_output=True, timeout=support.TIMEOUT,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def authority(self, name: str) -> None:
        self.run_in("certtool", "--generate-privkey", "--key-type=ed25519", f"--outfile={name}.key")
        (self.folder / f"{name}.cfg").write_text(
            f'dn = "CN={name}"\nuri = "spiffe://{DOMAIN}"\nca\ncert_signing_key\nexpiration_days = 10\n')
        self.run_in("certtool", "--generate-self-signed", f"--load-privkey={name}.key", f"--template={name}.cfg",
                    f"--outfile={name}.pem")

    def svid(self, name: str, *names: str, lines: tuple[str, ...] = LEAF, issuer: str = "root") -> None:
        self.run_in("certtool", "--generate-privkey", "--key-type=ed25519", f"--outfile={name}.key")
        (self.folder / f"{name}.cfg").write_text("\n".join((f'dn = "CN={name}"', *names, *lines)) + "\n")
        self.run_in("certtool", "--generate-certificate", f"--load-privkey={name}.key",
                    f"--load-ca-certificate={issuer}.pem", f"--load-ca-privkey={issuer}.key",
                    f"--template={name}.cfg", f"--outfile={name}.pem")

    def svid_for(self, name: str, *usage: str) -> None:
        """As certtool would not make it: with these lines for what the key is for."""
        self.run_in("certtool", "--generate-privkey", "--key-type=ed25519", f"--outfile={name}.key")
        (self.folder / f"{name}.ext").write_text("\n".join((f"subjectAltName=URI:{ID}", *usage)) + "\n")
        self.run_in("openssl", "req", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-out", f"{name}.csr")
        self.run_in("openssl", "x509", "-req", "-in", f"{name}.csr", "-CA", "root.pem", "-CAkey", "root.key",
                    "-CAcreateserial", "-days", "5", "-extfile", f"{name}.ext", "-out", f"{name}.pem")

    def config(self, name: str, **members: Any) -> str:
        (self.folder / f"{name}.json").write_text(json.dumps({"trust_domain": DOMAIN, **members}))
        return f"--config={self.folder}/{name}.json"

    def holder(self, name: str, **members: Any) -> str:
        return self.config(f"{name}-holder", svid=f"{self.folder}/{name}.pem", key=f"{self.folder}/{name}.key", **members)

    def accepts(self, proof: str, config: str, *asked: str) -> bool:
        done = self.zuctl("identity", "verify", "--name=spiffe", config, *asked, stdin=proof)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return done.returncode == 0


class X509(SpiffeCase):

    def setUp(self) -> None:
        super().setUp()
        self.authority("root")
        self.verifier = self.config("verifier", bundle=f"{self.folder}/root.pem")

    def test_present_and_verify(self) -> None:
        self.svid("leaf", f'uri = "{ID}"', 'dns_name = "agent.example.org"')
        proof = self.succeed("identity", "present", "--name=spiffe", self.holder("leaf"), *ASKED)
        self.assertEqual(self.succeed("identity", "verify", "--name=spiffe", self.verifier, *ASKED, stdin=proof), ID + "\n")
        self.assertFalse(self.accepts(proof, self.verifier, "--audience=another", "--nonce=8f1c"))
        self.fail_with(2, "audience and a nonce", "identity", "verify", "--name=spiffe", self.verifier, stdin=proof)
        # The same certificate is nothing to a verifier of another trust domain.
        other = self.config("other", trust_domain="example.com", bundle=f"{self.folder}/root.pem")
        self.assertFalse(self.accepts(proof, other, *ASKED))

    def test_what_is_no_svid(self) -> None:
        """Ours refuses to use them, and refuses them from an identity that does use them."""
        for name, names, lines in (
                ("no-uri", ('dns_name = "agent.example.org"',), LEAF),
                ("two-uris", (f'uri = "{ID}"', f'uri = "{ID}/x"'), LEAF),
                ("other-scheme", ('uri = "https://example.org/agent/7"',), LEAF),
                ("no-path", (f'uri = "spiffe://{DOMAIN}"',), LEAF),
                ("empty-segment", (f'uri = "spiffe://{DOMAIN}/a//b"',), LEAF),
                ("slash-behind", (f'uri = "spiffe://{DOMAIN}/a/"',), LEAF),
                ("dots", (f'uri = "spiffe://{DOMAIN}/a/../b"',), LEAF),
                ("percent", (f'uri = "spiffe://{DOMAIN}/a%2fb"',), LEAF),
                ("upper-domain", ('uri = "spiffe://Example.org/agent"',), LEAF),
                ("port", (f'uri = "spiffe://{DOMAIN}:8443/agent"',), LEAF),
                ("query", (f'uri = "spiffe://{DOMAIN}/agent?x=1"',), LEAF),
                ("other-domain", ('uri = "spiffe://example.com/agent"',), LEAF),
                ("longer-domain", ('uri = "spiffe://example.org.evil/agent"',), LEAF),
                ("authority", (f'uri = "{ID}"',), ("ca", "signing_key", "cert_signing_key", "expiration_days = 5"))):
            with self.subTest(name):
                self.svid(name, *names, lines=lines)
                self.fail_with(2, "no X509-SVID of the trust domain", "identity", "present", "--name=spiffe",
                               self.holder(name), *ASKED)

    def test_what_a_key_is_for(self) -> None:
        for name, usage, good in (("right", ("keyUsage=critical,digitalSignature",), True), ("none", (), False),
                                  ("certificates", ("keyUsage=digitalSignature,keyCertSign",), False),
                                  ("lists", ("keyUsage=digitalSignature,cRLSign",), False),
                                  ("encipher", ("keyUsage=keyEncipherment",), False)):
            with self.subTest(name):
                self.svid_for(name, *usage)
                done = self.zuctl("identity", "present", "--name=spiffe", self.holder(name), *ASKED)
                self.assertEqual(done.returncode == 0 and self.accepts(done.stdout.decode(), self.verifier, *ASKED), good)

    def test_other_authority(self) -> None:
        self.authority("stranger")
        self.svid("far", f'uri = "{ID}"', issuer="stranger")
        proof = self.succeed("identity", "present", "--name=spiffe", self.holder("far"), *ASKED)
        self.assertFalse(self.accepts(proof, self.verifier, *ASKED))


class Rotation(SpiffeCase):

    def test_followed_without_restart(self) -> None:
        """One process presents before and after its files were replaced, and in between."""
        self.authority("root")
        for name in ("first", "second"):
            self.svid(name, f'uri = "spiffe://{DOMAIN}/{name}"')
        for part in ("pem", "key"):
            (self.folder / f"live.{part}").write_bytes((self.folder / f"first.{part}").read_bytes())
        script = f"""
import gi, sys
gi.require_version("Zu", "1")
from gi.repository import Zu
identity = Zu.lookup("zu.workload_identity", "spiffe")(trust_domain={DOMAIN!r}, svid="live.pem", key="live.key")
challenge = Zu.Challenge(audience="a", nonce="n")
for line in sys.stdin:
    print(identity.present(challenge, None).props.principal, flush=True)
"""
        process = subprocess.Popen(["/usr/bin/python3", "-c", script], cwd=self.folder, env=self.environment,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        assert process.stdin is not None and process.stdout is not None
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stdin.close)

        def ask() -> str:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write("\n")
            process.stdin.flush()
            return process.stdout.readline().strip()

        self.assertEqual(ask(), f"spiffe://{DOMAIN}/first")
        self.replace("pem")
        self.assertEqual(ask(), f"spiffe://{DOMAIN}/first")  # the key is not the certificate's yet
        self.replace("key")
        self.assertEqual(ask(), f"spiffe://{DOMAIN}/second")
        (self.folder / "live.pem").unlink()
        self.assertEqual(ask(), f"spiffe://{DOMAIN}/second")

    def replace(self, part: str) -> None:
        (self.folder / "new").write_bytes((self.folder / f"second.{part}").read_bytes())
        os.rename(self.folder / "new", self.folder / f"live.{part}")


class Tokens(SpiffeCase):

    def setUp(self) -> None:
        super().setUp()
        keys = [self.ec_key("ec", "prime256v1", "P-256"), self.ec_key("ec384", "secp384r1", "P-384"),
                self.rsa_key("rsa", 2048), self.rsa_key("weak", 1024)]
        (self.folder / "jwks.json").write_text(json.dumps({"keys": [*keys, {**keys[0], "kid": "tls", "use": "x509-svid"}]}))
        self.verifier = self.config("verifier", jwt_bundle=f"{self.folder}/jwks.json")

    def ec_key(self, name: str, curve: str, crv: str) -> dict[str, str]:
        self.run_in("openssl", "ecparam", "-name", curve, "-genkey", "-noout", "-out", f"{name}.key")
        point = self.run_in("openssl", "ec", "-in", f"{name}.key", "-pubout", "-outform", "DER")
        size = {"P-256": 32, "P-384": 48}[crv]
        return {"kty": "EC", "use": "jwt-svid", "kid": name, "crv": crv, "x": encode(point[-2 * size:-size]),
                "y": encode(point[-size:])}

    def rsa_key(self, name: str, bits: int) -> dict[str, str]:
        self.run_in("openssl", "genrsa", "-out", f"{name}.key", str(bits))
        modulus = self.run_in("openssl", "rsa", "-in", f"{name}.key", "-noout", "-modulus").decode().strip().partition("=")[2]
        return {"kty": "RSA", "use": "jwt-svid", "kid": name, "n": encode(bytes.fromhex(modulus)), "e": "AQAB"}

    def sign(self, alg: str, key: str, data: bytes) -> bytes:
        digest = f"-sha{alg[2:]}"
        if alg.startswith("PS"):
            return self.run_in("openssl", "dgst", digest, "-sigopt", "rsa_padding_mode:pss", "-sigopt",
                               "rsa_pss_saltlen:-1", "-sign", f"{key}.key", stdin=data)
        der = self.run_in("openssl", "dgst", digest, "-sign", f"{key}.key", stdin=data)
        if alg.startswith("RS"):
            return der
        size = {"256": 32, "384": 48}[alg[2:]]
        numbers, rest = b"", der[2:] if der[1] < 0x80 else der[3:]
        for _ in range(2):
            numbers += rest[2:2 + rest[1]].lstrip(b"\0").rjust(size, b"\0")
            rest = rest[2 + rest[1]:]
        return numbers

    def token(self, alg: str = "ES256", key: str = "ec", header: dict[str, Any] | None = None, **claims: Any) -> str:
        whole = {"sub": ID, "aud": ["the-verifier", "x"], "exp": int(time.time()) + 300, **claims}
        whole = {name: value for name, value in whole.items() if value is not None}
        signed = ".".join(encode(json.dumps(part).encode())
                          for part in ({"alg": alg, "kid": key, "typ": "JWT", **(header or {})}, whole))
        return f"{signed}.{encode(self.sign(alg, key, signed.encode()))}"

    def proof(self, token: str, principal: str = ID) -> str:
        return json.dumps({"scheme": "spiffe-jwt", "principal": principal, "proof": {"token": token}})

    def holds(self, token: str, principal: str = ID, config: str | None = None) -> bool:
        return self.accepts(self.proof(token, principal), config or self.verifier, *FOR_TOKENS)

    def test_algorithms(self) -> None:
        for alg, key, good in (("ES256", "ec", True), ("ES384", "ec384", True), ("RS256", "rsa", True),
                               ("RS512", "rsa", True), ("PS256", "rsa", True), ("RS256", "weak", False)):
            with self.subTest(alg, key=key):
                self.assertEqual(self.holds(self.token(alg, key)), good)

    def test_algorithms_that_are_none(self) -> None:
        good = self.token()
        head, claims, signature = good.split(".")
        for alg in ("none", "None", "HS256", "es256", "", None):
            forged = encode(json.dumps({"alg": alg, "kid": "ec"}).encode())
            self.assertFalse(self.holds(f"{forged}.{claims}.{signature}"), alg)
            self.assertFalse(self.holds(f"{forged}.{claims}."), alg)
        self.assertFalse(self.holds(self.token("RS256", "rsa", header={"kid": "ec"})))
        self.assertFalse(self.holds(self.token(header={"kid": "tls"})))
        self.assertFalse(self.holds(self.token(header={"kid": "unknown"})))
        self.assertFalse(self.holds(self.token(header={"crit": ["b64"]})))
        self.assertFalse(self.holds(self.token(header={"typ": "at+jwt"})))

    def test_claims(self) -> None:
        now = int(time.time())
        self.assertTrue(self.holds(self.token(aud="the-verifier", nbf=now - 5)))
        for name, claims in (("other audience", {"aud": ["another"]}), ("no audience", {"aud": None}),
                             ("empty audience", {"aud": []}), ("expired", {"exp": now - 1}), ("no end", {"exp": None}),
                             ("end as text", {"exp": str(now + 300)}), ("not yet", {"nbf": now + 3600}),
                             ("other domain", {"sub": "spiffe://example.com/agent"}), ("no subject", {"sub": None}),
                             ("no path", {"sub": f"spiffe://{DOMAIN}"})):
            with self.subTest(name):
                token = self.token(**claims)
                self.assertFalse(self.holds(token, str(claims.get("sub") or ID)))
        self.assertFalse(self.holds(self.token(), f"spiffe://{DOMAIN}/somebody/else"))

    def test_tampered(self) -> None:
        good = self.token()
        head, claims, signature = good.split(".")
        other = encode(json.dumps({"sub": ID, "aud": "the-verifier", "exp": 2 ** 40}).encode())
        for name, token in (("claims", f"{head}.{other}.{signature}"), ("cut", good[:-3]), ("two parts", f"{head}.{claims}"),
                            ("four parts", good + ".x"), ("padding", good + "=="), ("blank", good.replace(".", ". ", 1)),
                            ("empty", ""), ("dots", ".."), ("long", "A" * 20000)):
            with self.subTest(name):
                self.assertFalse(self.holds(token))

    def test_challenge(self) -> None:
        proof = self.proof(self.token())
        self.assertTrue(self.accepts(proof, self.verifier, *FOR_TOKENS))
        for asked in ((), ASKED):
            self.fail_with(2, "bound to an audience, and to no nonce", "identity", "verify", "--name=spiffe",
                           self.verifier, *asked, stdin=proof)
        measured = self.config("measured", jwt_bundle=f"{self.folder}/jwks.json", require_measurement=True)
        self.assertFalse(self.accepts(proof, measured, *FOR_TOKENS))


if __name__ == "__main__":
    support.main()
