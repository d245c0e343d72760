"""`klio generate --stage …` against `klio serve`, which really fetches what is staged: used by
staging.py."""
import json
import os
import pathlib
import subprocess
import unittest

KLIO = None  # set by staging.py
ENVIRONMENT = {}
FOLDER = None
PASSWORD = "correct horse"


def write_picture(path, shade):
    """A picture of our own: a gradient that differs with `shade`."""
    width, height = 640, 480
    pixels = bytearray()
    for y in range(height):
        for x in range(width):
            pixels += bytes((x * 255 // width, y * 255 // height, shade))
    path.write_bytes(b"P6 %d %d 255\n" % (width, height) + bytes(pixels))


class Case(unittest.TestCase):
    """One data folder and one gateway."""

    def setUp(self):
        self.folder = pathlib.Path(FOLDER) / self.id().split(".", 1)[1]
        self.folder.mkdir()
        self.environment = dict(ENVIRONMENT, KLIO_HOME=str(self.folder / "home"),
                                HOME=str(self.folder), KLIO_API_KEY="test-key-that-nobody-may-find",
                                KLIO_STAGE_USER="artist", KLIO_STAGE_PASSWORD=PASSWORD,
                                AWS_ACCESS_KEY_ID="S3RVER", AWS_SECRET_ACCESS_KEY="S3RVER")
        self.pictures = []
        for index in range(3):
            path = self.folder / f"client-name-{index}.ppm"
            write_picture(path, 80 * index)
            self.pictures.append(path)
        self.gateway = None

    def tearDown(self):
        self.stop()

    def stop(self):
        if self.gateway:
            self.gateway.terminate()
            self.gateway.wait()
            self.gateway.stdout.close()
            self.gateway = None

    def serve(self, *arguments):
        self.stop()
        # Answers that are finished at once: what is tested here needs no waiting for tasks.
        arguments = arguments or ("--fault", "finished")
        self.gateway = subprocess.Popen([KLIO, "serve", "--latency", "0", "--key-file",
                                         self.key_file(), "--state", self.folder / "gateway",
                                         *arguments], env=self.environment,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in self.gateway.stdout:
            if "http://127.0.0.1:" in line:
                self.environment["KLIO_ENDPOINT"] = "http://127.0.0.1:" + "".join(
                    c for c in line.split("http://127.0.0.1:")[1][:5] if c.isdigit())
                return
        self.fail("klio serve does not start")

    def key_file(self):
        path = self.folder / "keys"
        path.write_text("test-key-that-nobody-may-find:1000\n")
        path.chmod(0o600)
        return path

    def klio(self, *arguments, expect=0, **environment):
        result = subprocess.run([KLIO, *map(str, arguments)], cwd=self.folder, text=True,
                                env=dict(self.environment, **environment), capture_output=True)
        if expect is not None:
            self.assertEqual(result.returncode, expect, result.stderr + result.stdout)
        return result

    def generate(self, stage, *more, prompt="a door", expect=0, **environment):
        images = [argument for path in self.pictures for argument in ("--image", path)]
        return self.klio("generate", "--prompt", prompt, *images, "--stage", stage, "--out",
                         "out.#.jpg", "--force", *more, expect=expect, **environment)

    def staged(self):
        lines = self.klio("--json", "stage", "list").stdout.splitlines()
        return [json.loads(line) for line in lines]

    def assert_no_secret(self, *texts):
        """Nothing that a run leaves behind or prints may hold a secret."""
        found = list(texts)
        for path in (self.folder / "home").rglob("*"):
            if path.is_file() and path.name != "secret":
                found.append(path.read_bytes().decode("latin-1"))
        for text in found:
            for secret in (PASSWORD, "YXJ0aXN0OmNvcnJlY3QgaG9yc2U", "X-Amz-Signature=", "S3RVER",
                           "test-key-that-nobody-may-find"):
                self.assertNotIn(secret, text.replace("X-Amz-Signature=***", ""))


@unittest.skipUnless("KLIO_TEST_DAV" in os.environ, "nginx is not there")
class Dav(Case):
    def setUp(self):
        super().setUp()
        self.www = pathlib.Path(os.environ["KLIO_TEST_DAV_FOLDER"])
        self.base = os.environ["KLIO_TEST_DAV"]
        self.own = "open/" + self.id().rsplit(".", 1)[1]
        (self.www / self.own).mkdir()

    def files(self, name=None):
        return sorted(path.name for path in (self.www / (name or self.own)).glob("*.*"))

    def puts(self):
        log = (self.www.parent / "access.log").read_text()
        return log.count('"PUT /')

    def test_the_gateway_fetches_and_nothing_stays(self):
        self.serve()
        for name in (self.own, "basic"):
            result = self.generate(f"{self.base}/{name}/", prompt=name)
            self.assertTrue((self.folder / "out.0001.jpg").exists())
            self.assertEqual(self.files(name), [])
            self.assertEqual(self.staged(), [])
            self.assert_no_secret(result.stdout, result.stderr)

    def test_over_tls(self):
        self.serve()
        self.generate(os.environ["KLIO_TEST_DAV_TLS"] + f"/basic/?public={self.base}/basic/",
                      "--cacert", os.environ["KLIO_TEST_CACERT"])
        self.assertEqual(self.files("basic"), [])

    def test_a_folder(self):
        self.serve()
        self.generate(f"file://{self.www}/{self.own}?public={self.base}/{self.own}/")
        self.assertEqual(self.files(), [])

    def test_what_is_kept_is_not_sent_twice(self):
        self.serve()
        stage = f"{self.base}/{self.own}/"
        self.generate(stage, "--keep-staged")
        names = self.files()
        self.assertEqual(len(names), 3)
        for name in names:
            self.assertRegex(name, r"^[0-9a-f]{64}\.(jpg|png)$")
        before = self.puts()
        self.generate(stage, prompt="another door")
        self.assertEqual(self.puts(), before)
        self.assertTrue(all(entry["kept"] for entry in self.staged()))
        self.klio("stage", "clean")
        self.assertEqual(self.files(), names)
        self.klio("stage", "clean", "--all")
        self.assertEqual(self.files(), [])
        self.assertEqual(self.staged(), [])

    def test_a_refusal_and_a_failed_task_remove_too(self):
        for fault in ("refusal", "refusal-task"):
            self.serve("--fault", fault)
            result = self.generate(f"{self.base}/{self.own}/", prompt=fault, expect=None)
            self.assertNotEqual(result.returncode, 0)
            self.assertEqual(self.files(), [], fault)

    def test_a_crash_is_cleaned_up_after(self):
        self.serve()
        stage = f"{self.base}/{self.own}/"
        for point in ("staging:2", "removing:1"):
            result = self.generate(stage, prompt=point, expect=None, KLIO_CRASH_AT=point)
            self.assertEqual(result.returncode, -9, point)
            self.assertNotEqual(self.staged(), [], point)
            self.klio("stage", "clean")
            self.assertEqual(self.files(), [], point)
            self.assertEqual(self.staged(), [], point)
        # A task that is under way still needs its references; the run that collects it removes them.
        result = self.generate(stage, prompt="answered", expect=None, KLIO_CRASH_AT="answered:1")
        self.assertEqual(result.returncode, -9)
        self.klio("stage", "clean")
        self.assertEqual(len(self.files()), 3)

    def test_the_next_run_cleans_up_by_itself(self):
        self.serve()
        stage = f"{self.base}/{self.own}/"
        self.generate(stage, prompt="first", expect=None, KLIO_CRASH_AT="staging:3")
        self.assertNotEqual(self.staged(), [])
        self.generate(stage, prompt="second")
        self.assertEqual(self.files(), [])
        self.assertEqual(self.staged(), [])

    def test_a_removal_that_fails_is_shown_and_tried_again(self):
        self.serve()
        result = self.generate(f"{self.base}/putonly/")
        self.assertIn("can't be removed", result.stderr)
        self.assertEqual({entry["state"] for entry in self.staged()}, {"failed"})
        self.assertIn("can't be removed", self.klio("stage", "list").stdout)
        self.klio("stage", "clean", expect=16)

    def test_errors_name_what_to_do(self):
        self.serve()
        result = self.generate(f"{self.base}/basic/", expect=16, KLIO_STAGE_PASSWORD="a wrong one")
        self.assertIn("check KLIO_STAGE_USER", result.stderr)
        self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)
        self.assert_no_secret(result.stderr)
        self.generate("ftp://somewhere/", expect=2)
        result = self.generate("", expect=2, KLIO_ENDPOINT="https://apiin.one")
        for way in ("s3://", "https://", "file:///", "inline"):
            self.assertIn(way, result.stderr)


@unittest.skipUnless("KLIO_TEST_S3" in os.environ, "the S3 server is not there")
class S3(Case):
    def files(self):
        return [path for path in pathlib.Path(os.environ["KLIO_TEST_S3_FOLDER"]).rglob("*")
                if path.is_file() and "_object" in path.name]

    def test_the_gateway_fetches_and_nothing_stays(self):
        self.serve()
        base = os.environ["KLIO_TEST_S3"]
        result = self.generate(f"s3://plates/two words/ü?region=eu-west-1&endpoint={base}")
        self.assertTrue((self.folder / "out.0001.jpg").exists())
        self.assertEqual(self.files(), [])
        self.assertEqual(self.staged(), [])
        self.assert_no_secret(result.stdout, result.stderr)

    def test_a_profile(self):
        self.serve()
        (self.folder / ".aws").mkdir()
        (self.folder / ".aws/credentials").write_text(
            "[studio]\naws_access_key_id = S3RVER\naws_secret_access_key = S3RVER\n")
        (self.folder / ".aws/config").write_text(
            f"[profile studio]\nregion = eu-west-1\nendpoint_url = {os.environ['KLIO_TEST_S3']}\n")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            del self.environment[name]
        self.generate("s3://plates", expect=16)
        self.generate("s3://plates", AWS_PROFILE="studio")
        self.assertEqual(self.files(), [])

    def test_errors_keep_s3s_words(self):
        self.serve()
        stage = f"s3://plates?region=eu-west-1&endpoint={os.environ['KLIO_TEST_S3']}"
        result = self.generate(stage, expect=16, AWS_SECRET_ACCESS_KEY="not-the-right-one")
        self.assertIn("SignatureDoesNotMatch: Judged by AWS' own signer.", result.stderr)
        self.assertNotIn("not-the-right-one", result.stderr)
        result = self.generate(stage + "&expires=60", expect=16)
        self.assertIn("expires=60 is shorter", result.stderr)
