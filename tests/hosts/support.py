"""What the host tests share: the built command in a world of its own (data folder, no key, no
config), a local gateway as a process, and generated pictures."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile


class World:
    """A temporary folder with a data folder of its own, and the command run inside it."""

    def __init__(self, build):
        self.build = pathlib.Path(build).resolve()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="klio-host-"))
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("KLIO_", "OCIO"))
        }
        self.environment.update(
            KLIO_HOME=str(self.folder / "data"),
            XDG_CONFIG_HOME=str(self.folder / "config"),
            PATH=f"{self.build}/bin:{os.environ['PATH']}",
            OIIO_LIBRARY_PATH=f"{self.build}/lib/klio/oiio",
            OPENIMAGEIO_PLUGIN_PATH=f"{self.build}/lib/klio/oiio",
        )
        if "KLIO_TEST_PRELOAD" in os.environ:  # set by tests/sanitize.sh
            self.environment["LD_PRELOAD"] = os.environ["KLIO_TEST_PRELOAD"]
        self.gateways = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for gateway in self.gateways:
            gateway.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *words, code=0, timeout=120, **environment):
        """Runs words[0] in the folder; asserts the exit code (None: any); returns the process."""
        done = subprocess.run([str(word) for word in words], cwd=self.folder, timeout=timeout,
                              env={**self.environment, **environment}, capture_output=True, text=True)
        if code is not None and done.returncode != code:
            sys.exit(f"{' '.join(map(str, words))}\nexit code {done.returncode}, not {code}\n"
                     f"stdout: {done.stdout}\nstderr: {done.stderr}")
        return done

    def klio(self, *words, **more):
        return self.run("klio", *words, **more)

    def result(self, *words, **more):
        """The result line of a `klio … --json`."""
        lines = self.klio(*words, "--json", **more).stdout.splitlines()
        results = [json.loads(line) for line in lines]
        return next(line for line in results if line["event"] == "result")

    def gateway(self, *words):
        gateway = Gateway(self, words)
        self.gateways.append(gateway)
        return gateway

    def plate(self, name="plate.exr", width=1600, height=900):
        """A scene-linear picture with an upright, unmirrored mark: red left, blue at the top."""
        self.run("oiiotool", "--pattern", "fill:topleft=0.9,0.1,0.1:topright=0.1,0.3,0.1:"
                 "bottomleft=0.9,0.1,0.05:bottomright=0.02,0.02,0.02", f"{width}x{height}", "3",
                 "--fill:color=0.1,0.2,2.5", f"{width}x{height // 8}+0+0", "-d", "half", "-o", name)
        return self.folder / name


class Gateway:
    """`klio serve` as a process of its own."""

    def __init__(self, world, words):
        self.process = subprocess.Popen(["klio", "serve", "--port", "0", *map(str, words)],
                                        cwd=world.folder, env=world.environment, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        line = self.process.stdout.readline()
        self.endpoint = next(word for word in line.split() if word.startswith("http://")).rstrip(".,")

    def ledger(self):
        import urllib.request
        with urllib.request.urlopen(self.endpoint + "/ledger", timeout=20) as answer:
            return json.load(answer)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)
        self.process.stdout.close()


def check(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")
    print("ok:", what)
