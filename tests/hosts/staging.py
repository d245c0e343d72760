#!/usr/bin/env python3
"""Staging with real servers on loopback: nginx with its WebDAV module (open, with basic
authorization, over TLS with a certificate of our own) and an S3 server that checks signatures.

    staging.py BUILD_FOLDER

nginx is Debian's. The S3 server comes from npm and
is installed outside the project's tree, once, below $KLIO_TEST_TOOLS (default: the cache folder).
What is missing is said and skipped.
"""
import hashlib
import base64
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
PACKAGES = ["s3rver@3.7.1", "@smithy/signature-v4@5", "@aws-crypto/sha256-js@5"]


def free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def wait_for(port, process):
    for _ in range(200):
        if process.poll() is not None:
            return False
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except OSError:
            time.sleep(0.05)
    return False


def make_certificates(folder):
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
            "-days", "2", "-subj", "/CN=klio test authority")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.csr",
            "-subj", "/CN=localhost")
    (folder / "ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", "2", "-extfile", "ext", "-out", "server.pem")


NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
{user}
events {{ worker_connections 256; }}
http {{
  access_log {folder}/access.log;
  types {{ image/jpeg jpg; image/png png; }}
  client_body_temp_path {folder}/temp; proxy_temp_path {folder}/temp1;
  fastcgi_temp_path {folder}/temp2; uwsgi_temp_path {folder}/temp3; scgi_temp_path {folder}/temp4;
  client_max_body_size 20m;
  server {{
    listen 127.0.0.1:{port};
    listen 127.0.0.1:{tls} ssl;
    ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key;
    root {folder}/www;
    location /open/ {{ dav_methods PUT DELETE; create_full_put_path on; }}
    location /listed/ {{ dav_methods PUT DELETE; autoindex on; }}
    location /small/ {{ dav_methods PUT DELETE; client_max_body_size 100k; }}
    location /full/ {{ dav_methods PUT DELETE; client_body_temp_path {folder}/www/full/temp; }}
    location /basic/ {{
      dav_methods PUT DELETE;
      limit_except GET {{ auth_basic klio; auth_basic_user_file {folder}/users; }}
    }}
    location /putonly/ {{ dav_methods PUT; }}
    location /closed/ {{
      dav_methods PUT DELETE; auth_basic klio; auth_basic_user_file {folder}/users;
    }}
  }}
}}
"""


def start_nginx(folder, environment, started):
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if not nginx or not shutil.which("openssl"):
        print("skipped: nginx or openssl is not installed, so nothing with WebDAV is tested")
        return
    make_certificates(folder)
    for name in ("open", "listed", "small", "full", "basic", "closed", "putonly"):
        (folder / "www" / name).mkdir(parents=True)
    # A filesystem too small for a plate, where one may be mounted.
    full = folder / "www" / "full"
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(full)],
        capture_output=True).returncode == 0
    if mounted:
        started["mounts"].append(full)
        environment["KLIO_TEST_DAV_FULL"] = "1"
    secret = base64.b64encode(hashlib.sha1(b"correct horse").digest()).decode()
    (folder / "users").write_text("artist:{SHA}" + secret + "\n")
    port, tls = free_port(), free_port()
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        NGINX.format(folder=folder, port=port, tls=tls, user=user))
    process = subprocess.Popen([nginx, "-c", str(folder / "nginx.conf"), "-p", str(folder)],
                               stderr=subprocess.DEVNULL)
    started["processes"].append(process)
    if not wait_for(port, process):
        raise SystemExit("nginx does not start: " + (folder / "error.log").read_text())
    environment.update(KLIO_TEST_DAV=f"http://127.0.0.1:{port}",
                       KLIO_TEST_DAV_TLS=f"https://localhost:{tls}",
                       KLIO_TEST_DAV_FOLDER=str(folder / "www"),
                       KLIO_TEST_CACERT=str(folder / "ca.pem"))


def install_s3():
    if not shutil.which("npm") or not shutil.which("node"):
        return None, "npm is not installed"
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = pathlib.Path(os.environ.get("KLIO_TEST_TOOLS") or cache + "/klio-tests") / "s3"
    if (folder / "installed").exists():
        return folder, ""
    folder.mkdir(parents=True, exist_ok=True)
    result = subprocess.run(["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund",
                             *PACKAGES], capture_output=True, text=True)
    if result.returncode != 0:
        return None, "npm could not install " + PACKAGES[0] + ": " + result.stderr.strip()[-200:]
    (folder / "installed").write_text(" ".join(PACKAGES) + "\n")
    return folder, ""


def start_s3(folder, environment, started):
    modules, why = install_s3()
    if not modules:
        print(f"skipped: {why}, so nothing with S3 is tested")
        return
    (folder / "s3").mkdir()
    process = subprocess.Popen(["node", str(HERE / "staging_s3.mjs"), str(modules),
                                str(folder / "s3")], stdout=subprocess.PIPE, text=True)
    started["processes"].append(process)
    line = process.stdout.readline()
    if not line.startswith("port "):
        raise SystemExit("the S3 server does not start")
    environment["KLIO_TEST_S3_FOLDER"] = str(folder / "s3")
    environment["KLIO_TEST_S3"] = "http://127.0.0.1:" + line.split()[1]


def run_command(klio, folder, environment):
    if subprocess.run([klio, "generate", "--help"], capture_output=True).returncode != 0:
        print("skipped: this klio has no generate, so nothing is staged by the command")
        return 0
    os.environ.update({key: value for key, value in environment.items()
                       if key.startswith("KLIO_TEST_")})
    import staging_generate
    staging_generate.KLIO = str(klio)
    staging_generate.ENVIRONMENT = environment
    staging_generate.FOLDER = str(folder / "runs")
    (folder / "runs").mkdir()
    suite = unittest.defaultTestLoader.loadTestsFromModule(staging_generate)
    return 0 if unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful() else 1


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="klio-staging-"))
    folder.chmod(0o755)
    environment = dict(os.environ)
    for name in [name for name in environment
                 if name.startswith(("AWS_", "KLIO_")) or name.lower().endswith("_proxy")]:
        del environment[name]
    environment["KLIO_HOME"] = str(folder / "home")
    started = {"processes": [], "mounts": []}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # through `finally`, as a test timeout is
    try:
        start_nginx(folder, environment, started)
        start_s3(folder, environment, started)
        library = subprocess.run([build / "bin/test_staging", "--gtest_filter=Real*"],
                                 env=environment).returncode
        return library or run_command(build / "bin/klio", folder, environment)
    finally:
        for process in started["processes"]:
            process.terminate()
            process.wait()
        for mount in started["mounts"]:
            subprocess.run(["umount", str(mount)])
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
