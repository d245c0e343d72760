#!/usr/bin/env python3
"""Ten references of 1 MB staged one by one, together, and again, over a line with 50 ms there and
back: nginx' WebDAV and an S3 server behind a proxy that holds all bytes for 25 ms each way. The line
has no limit of its own on how much it carries.

    staging.py BUILD_FOLDER
"""
import asyncio
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
spec = importlib.util.spec_from_file_location("hosts_staging", HERE.parent / "hosts/staging.py")
hosts = importlib.util.module_from_spec(spec)
spec.loader.exec_module(hosts)
ONE_WAY = 0.025


class Line:
    """A proxy on loopback that delays what it carries, and counts what goes to the server."""

    def __init__(self, target):
        self.target = target
        self.sent = 0

    async def start(self):
        server = await asyncio.start_server(self.accept, "127.0.0.1", 0)
        return server, server.sockets[0].getsockname()[1]

    async def accept(self, reader, writer):
        # To connect takes the way there and back once before the first byte can go.
        await asyncio.sleep(2 * ONE_WAY)
        there = await asyncio.open_connection("127.0.0.1", self.target)
        await asyncio.gather(self.carry(reader, there[1], True), self.carry(there[0], writer, False))

    async def carry(self, reader, writer, count):
        loop = asyncio.get_running_loop()
        queue = asyncio.Queue()

        async def deliver():
            while (item := await queue.get()) is not None:
                await asyncio.sleep(max(0, item[0] - loop.time()))
                writer.write(item[1])
            writer.close()

        delivery = asyncio.create_task(deliver())
        try:
            while data := await reader.read(1 << 18):
                if count:
                    self.sent += len(data)
                await queue.put((loop.time() + ONE_WAY, data))
        except OSError:
            pass
        await queue.put(None)
        try:
            await delivery
        except OSError:
            pass


async def measure(name, port, setting, build, environment):
    line = Line(port)
    server, public_port = await line.start()
    environment = dict(environment, KLIO_BENCH_STAGE=setting.format(port=public_port))
    process = await asyncio.create_subprocess_exec(
        build / "bin/test_staging", "--gtest_filter=StagingBench.*", env=environment,
        stdout=asyncio.subprocess.PIPE)
    seconds, sent, before = {}, {}, 0
    async for raw in process.stdout:
        words = raw.decode().split()
        if words[:1] == ["seconds"]:
            seconds[words[1]] = float(words[2])
        elif words[:1] == ["mark"]:
            sent[words[1]], before = line.sent - before, line.sent
    await process.wait()
    server.close()
    if process.returncode != 0 or not seconds:
        raise SystemExit(name + ": the program failed")
    for what in ("one-by-one", "together", "again"):
        print(f"{name:8} {what:11} {seconds[what]:6.2f} s  {sent[what] / 1e6:8.3f} MB sent")
    print(f"{name:8} together is {seconds['one-by-one'] / seconds['together']:.1f} times faster")


async def run(build):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="klio-bench-staging-"))
    folder.chmod(0o755)
    environment = {key: value for key, value in os.environ.items()
                   if not key.startswith(("AWS_", "KLIO_"))}
    environment.update(AWS_ACCESS_KEY_ID="S3RVER", AWS_SECRET_ACCESS_KEY="S3RVER")
    started = {"processes": [], "mounts": []}
    try:
        hosts.start_nginx(folder, environment, started)
        hosts.start_s3(folder, environment, started)
        if "KLIO_TEST_DAV" in environment:
            port = int(environment["KLIO_TEST_DAV"].rsplit(":", 1)[1])
            await measure("webdav", port, "http://127.0.0.1:{port}/open/", build, environment)
        if "KLIO_TEST_S3" in environment:
            port = int(environment["KLIO_TEST_S3"].rsplit(":", 1)[1])
            await measure("s3", port,
                          "s3://plates/bench?region=eu-west-1&endpoint=http://127.0.0.1:{port}",
                          build, environment)
    finally:
        for process in started["processes"]:
            process.terminate()
            process.wait()
        for mount in started["mounts"]:
            subprocess.run(["umount", str(mount)])
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    asyncio.run(run(pathlib.Path(sys.argv[1]).resolve()))
