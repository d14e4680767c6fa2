#!/usr/bin/env python3
"""Serves the files of one directory over HTTP on the loopback address.

    files.py --port 47120 --directory DIR

SIGTERM and SIGINT end it with 0 after the request in hand.
"""

import argparse
import functools
import http.server
import signal
import sys
import threading


class Handler(http.server.SimpleHTTPRequestHandler):
    """Logs to standard output, which the starter keeps."""

    def log_message(self, form, *args):
        print(f"files: {self.address_string()} {form % args}", flush=True)


def main():
    parser = argparse.ArgumentParser(description="serve the files of one directory on 127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--directory", required=True)
    given = parser.parse_args()

    handler = functools.partial(Handler, directory=given.directory)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", given.port), handler)

    def finish(_number, _frame):
        # `shutdown` waits for the loop to end, and this handler runs inside the loop: so from a thread.
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, finish)
    signal.signal(signal.SIGINT, finish)
    print(f"files: {given.directory} on 127.0.0.1:{given.port}", flush=True)
    server.serve_forever()
    server.server_close()
    print("files: ends", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
