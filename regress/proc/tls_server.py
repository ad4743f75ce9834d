#!/usr/bin/env python3
#
# Copyright (c) 2026 The interimap authors
#
# Permission to use, copy, modify, and distribute this software for any
# purpose with or without fee is hereby granted, provided that the above
# copyright notice and this permission notice appear in all copies.
#
# THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
# WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
# MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
# ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
# WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
# ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
# OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
#
# A TLS server for tls.sh: greets as an IMAP server does, then echoes.  Writes
# its port to the file --port, the SNI of each handshake (or "-") to --log.

import argparse
import os
import socket
import ssl
import threading

p = argparse.ArgumentParser()
p.add_argument("--port", required=True)
p.add_argument("--log", required=True)
p.add_argument("--cert", required=True)
p.add_argument("--key", required=True)
p.add_argument("--max12", action="store_true", help="TLS 1.2 only")
p.add_argument("--bye", choices=["notify", "cut"],
               help="greet and close, with close_notify or without")
p.add_argument("--plain", action="store_true", help="greets without TLS")
a = p.parse_args()


def note_sni(sock, name, ctx):
    with open(a.log, "a") as log:
        log.write((name or "-") + "\n")


def serve(conn, ctx):
    try:
        if not a.plain:
            conn = ctx.wrap_socket(conn, server_side=True)
        conn.sendall(b"* OK ready\r\n")
        if a.bye == "notify":
            conn.unwrap()
        while not a.bye:
            data = conn.recv(65536)
            if not data:
                break
            conn.sendall(data)
    except OSError:
        pass            # the client refused us: that is what is tested
    finally:
        conn.close()


ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
ctx.load_cert_chain(a.cert, a.key)
ctx.sni_callback = note_sni
if a.max12:
    ctx.maximum_version = ssl.TLSVersion.TLSv1_2
listener = socket.create_server(("127.0.0.1", 0))
with open(a.port + ".new", "w") as f:
    f.write("%d\n" % listener.getsockname()[1])
os.rename(a.port + ".new", a.port)
while True:
    conn, _ = listener.accept()
    threading.Thread(target=serve, args=(conn, ctx), daemon=True).start()
