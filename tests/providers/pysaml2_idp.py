"""A second SAML identity provider, on loopback, for tests: pysaml2 and xmlsec1.

    python pysaml2_idp.py

Prints `pysaml2 <address>` once it listens.

  PORT     its port; 0, which is also the default, takes a free one
  KEYS     folder with idp.crt and idp.key (PEM)
  SP       file with the metadata of the service provider; without it only /metadata is served
  SIGN     what is signed: assertion, response or both (the default)
  ENCRYPT  1: assertions are encrypted

GET /metadata describes it; GET /sso signs in whoever `user` in the query names, without a form: Alice by default; GET /slo takes requests
and answers about logout; GET /logout?user=… signs somebody out here, and by the browser at the service provider.
"""
import functools
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

import saml2.entity
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.authn_context import TIMESYNCTOKEN
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAME_FORMAT_URI, NAMEID_FORMAT_PERSISTENT, NameID
from saml2.server import Server

RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
AES_256_GCM = "http://www.w3.org/2009/xmlenc11#aes256-gcm"
PEOPLE = {"alice": ("Alice Adams", ["alices-group"]), "bob": ("Bob Brown", ["bobs-group"])}


class Provider:
    """The identity provider behind the addresses."""

    def __init__(self, address):
        keys = os.environ.get("KEYS", ".") + "/"
        at = lambda path: f"{address}{path}"
        pair = {"key_file": keys + "idp.key", "cert_file": keys + "idp.crt"}
        sp = os.environ.get("SP")
        self.sp = sp
        self.config = IdPConfig().load({
            "entityid": "https://idp.example/pysaml2",
            "service": {"idp": {
                "endpoints": {
                    "single_sign_on_service": [(at("/sso"), BINDING_HTTP_REDIRECT)],
                    "single_logout_service": [(at("/slo"), BINDING_HTTP_REDIRECT)],
                },
                "name_id_format": [NAMEID_FORMAT_PERSISTENT],
                "want_authn_requests_signed": True,
                "policy": {"default": {"lifetime": {"minutes": 5}, "name_form": NAME_FORMAT_URI}},
            }},
            **pair,
            "encryption_keypairs": [pair],
            "metadata": {"local": [sp]} if sp else {},
            "xmlsec_binary": os.environ.get("XMLSEC", "/usr/bin/xmlsec1"),
        })
        self.server = Server(config=self.config)
        # Left to itself it encrypts with 3DES, whatever the metadata of the service provider lists.
        saml2.entity.pre_encryption_part = functools.partial(saml2.entity.pre_encryption_part, msg_enc=AES_256_GCM)
        security = self.server.sec
        security.encrypt_assertion = functools.partial(security.encrypt_assertion, key_type="aes-256")
        self.sessions = {}

    def metadata(self):
        return str(entity_descriptor(self.config))

    def sign_in(self, query):
        """Answers a request to sign somebody in: an HTML form that a browser posts by itself."""
        request = self.server.parse_authn_request(query["SAMLRequest"], BINDING_HTTP_REDIRECT, **signed(query))
        arguments = self.server.response_args(request.message)
        user = query.get("user", "alice")
        display, groups = PEOPLE[user]
        name_id = NameID(format=NAMEID_FORMAT_PERSISTENT, text=f"{user}-persistent")
        sign = os.environ.get("SIGN", "both")
        response = self.server.create_authn_response(
            {"displayName": [display], "groups": groups},
            userid=user,
            name_id=name_id,
            authn={"class_ref": TIMESYNCTOKEN},
            sign_assertion=sign in ("assertion", "both"),
            sign_response=sign in ("response", "both"),
            encrypt_assertion=os.environ.get("ENCRYPT") == "1",
            encrypted_advice_attributes=False,
            sign_alg=RSA_SHA256,
            digest_alg=SHA256,
            **{key: arguments[key] for key in ("in_response_to", "destination", "sp_entity_id") if key in arguments},
        )
        self.sessions[user] = (name_id, arguments["sp_entity_id"])
        sent = self.server.apply_binding(
            BINDING_HTTP_POST, str(response), arguments["destination"], query.get("RelayState", ""), response=True)
        return sent["data"] if isinstance(sent["data"], str) else "".join(sent["data"])

    def sign_out(self, user):
        """Begins a logout here, of every session: the address of the service provider with a signed request."""
        name_id, sp = self.sessions.pop(user)
        [service] = [found for found in self.server.metadata.single_logout_service(sp, BINDING_HTTP_REDIRECT, "spsso")]
        destination = service["location"]
        _, request = self.server.create_logout_request(
            destination, sp, name_id=name_id, sign=False)
        return self.redirect(str(request), destination, "logout-relay", response=False)

    def asked_to_sign_out(self, query):
        """Answers a request for logout: the address of the service provider with a signed answer."""
        request = self.server.parse_logout_request(query["SAMLRequest"], BINDING_HTTP_REDIRECT, **signed(query))
        name = request.message.name_id.text
        self.sessions = {user: session for user, session in self.sessions.items() if session[0].text != name}
        response = self.server.create_logout_response(request.message, [BINDING_HTTP_REDIRECT], sign=False)
        return self.redirect(str(response), response.destination, query.get("RelayState", ""), response=True)

    def redirect(self, message, destination, relay, response):
        sent = self.server.apply_binding(
            BINDING_HTTP_REDIRECT, message, destination, relay, response=response, sign=True, sigalg=RSA_SHA256)
        return dict(sent["headers"])["Location"]


def signed(query):
    """Returns what the signature of a redirect is about."""
    names = {"relay_state": "RelayState", "sigalg": "SigAlg", "signature": "Signature"}
    return {name: query.get(key) for name, key in names.items()}


class Handler(BaseHTTPRequestHandler):
    provider = None

    def do_GET(self):
        url = urlparse(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query, keep_blank_values=True).items()}
        try:
            if url.path == "/metadata":
                self.say(self.provider.metadata(), "application/samlmetadata+xml")
            elif url.path == "/sso":
                self.say(self.provider.sign_in(query))
            elif url.path == "/logout":
                self.see(self.provider.sign_out(query.get("user", "alice")))
            elif url.path == "/slo" and "SAMLRequest" in query:
                self.see(self.provider.asked_to_sign_out(query))
            elif url.path == "/slo":
                self.say("<p>signed out everywhere</p>" if "Success" in self.status(query) else "<p>not signed out</p>")
            else:
                self.send_error(404)
        except Exception as fault:
            print(f"{url.path}: {fault!r}", file=sys.stderr, flush=True)
            self.send_error(500)

    def status(self, query):
        answer = self.provider.server.parse_logout_request_response(query["SAMLResponse"], BINDING_HTTP_REDIRECT)
        return answer.response.status.status_code.value

    def see(self, address):
        self.send_response(303)
        self.send_header("location", address)
        self.end_headers()

    def say(self, text, kind="text/html; charset=utf-8"):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


def main():
    listener = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "0"))), Handler)
    address = f"http://127.0.0.1:{listener.server_address[1]}"
    Handler.provider = Provider(address)
    print(f"pysaml2 {address}", flush=True)
    listener.serve_forever()


main()
