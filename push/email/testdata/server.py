"""A real SMTP server, aiosmtpd, that tells on its standard output what it sees, one JSON object a line.

What it does to a mail is said by the local part of the address that it is for; see handle_RCPT and handle_DATA. The options
are one JSON object on the command line: port, cert, key, mode (starttls, implicit, none), user, password, without (a way to
sign in that is not offered), sender (what is answered to MAIL).
"""

import asyncio
import base64
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

options = json.loads(sys.argv[1])
seen = set()


def tell(event, session, **more):
    print(json.dumps({"event": event, "peer": session.peer[1], "tls": session.ssl is not None or options["mode"] == "implicit", **more}), flush=True)


class Handler:
    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        tell("hello", session, text=hostname)
        return responses

    async def handle_NOOP(self, server, session, envelope, arg):
        tell("noop", session)
        return "250 OK"

    async def handle_QUIT(self, server, session, envelope):
        tell("quit", session)
        return "221 Bye"

    async def handle_MAIL(self, server, session, envelope, address, mail_options):
        if options.get("sender"):
            return options["sender"]
        envelope.mail_from = address
        envelope.mail_options.extend(mail_options)
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        local = address.split("@")[0]
        tell("rcpt", session, text=address)
        if local.startswith("code"):
            return local[4:7] + " so it is"
        if local == "greylisted" and address not in seen:
            seen.add(address)
            return "451 4.7.1 come back later"
        if local == "hang":
            await asyncio.sleep(3600)
        if local == "cut":
            server.transport.abort()
            await asyncio.sleep(3600)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        local = envelope.rcpt_tos[0].split("@")[0]
        if local.startswith("data"):
            return local[4:7] + " so it is"
        if local == "hangafter":
            await asyncio.sleep(3600)
        tell("mail", session, sender=envelope.mail_from, to=envelope.rcpt_tos, options=envelope.mail_options,
             content=base64.b64encode(envelope.original_content).decode())
        return "250 2.0.0 taken"


def authenticate(server, session, envelope, mechanism, data):
    tell("auth", session, text=mechanism)
    right = data.login.decode() == options["user"] and data.password.decode() == options["password"]
    return AuthResult(success=right, handled=right)


async def main():
    context = None
    if options["mode"] != "none":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options["cert"], options["key"])
    starttls = options["mode"] == "starttls"

    def session():
        return SMTP(
            Handler(), hostname="mail.test", enable_SMTPUTF8=True,
            tls_context=context if starttls else None, require_starttls=starttls,
            authenticator=authenticate if options.get("user") else None, auth_required=bool(options.get("user")),
            auth_require_tls=starttls, auth_exclude_mechanism=[options["without"]] if options.get("without") else [],
        )

    server = await asyncio.get_running_loop().create_server(
        session, "127.0.0.1", options.get("port", 0), ssl=context if options["mode"] == "implicit" else None)
    print(json.dumps({"event": "listening", "port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


asyncio.run(main())
