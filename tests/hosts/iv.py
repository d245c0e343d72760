"""iv, OpenImageIO's viewer, on a display of its own that nobody sees."""
import mmap
import os
import pathlib
import select
import shutil
import struct
import subprocess
import types
import time


def installed():
    return bool(shutil.which("iv") and shutil.which("Xvfb"))


class Display:
    """An Xvfb, whose framebuffer is a file."""

    def __init__(self, folder):
        ours, theirs = os.pipe()
        self.server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(theirs), "-screen", "0", "1280x800x24", "-fbdir", folder,
             "-nolisten", "tcp"], pass_fds=[theirs], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs)
        with os.fdopen(ours) as number:
            self.name = ":" + number.readline().strip()
        self.buffer = pathlib.Path(folder, "Xvfb_screen0")

    def close(self):
        self.server.terminate()
        self.server.wait()

    def count(self, like):
        """How many pixels of the screen are like that; like(red, green, blue)."""
        with open(self.buffer, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
            # An X window dump: the header's size and the number of colour cells (12 bytes each)
            # stand in big-endian words before the pixels, which are blue, green, red, unused.
            words = struct.unpack(">25I", data[:100])
            start, width, height = words[0] + 12 * words[19], words[4], words[5]
            pixels = data[start:start + 4 * width * height]
        return sum(map(like, pixels[2::4], pixels[1::4], pixels[0::4]))

    def view(self, name, env, until, seconds=60):
        """Lets iv open `name` until until(what it wrote so far) says so, or time is over. Gives what
        it wrote; its exit code, having been ended, says nothing."""
        viewer = subprocess.Popen(["iv", "-F", name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  env=dict(env, DISPLAY=self.name, QT_QPA_PLATFORM="xcb",
                                           LIBGL_ALWAYS_SOFTWARE="1"))
        text = b""
        end = time.monotonic() + seconds
        try:
            while not until(text.decode(errors="replace")) and time.monotonic() < end:
                if select.select([viewer.stdout], [], [], 0.2)[0]:
                    more = os.read(viewer.stdout.fileno(), 65536)
                    if not more:
                        break
                    text += more
        finally:
            alive = viewer.poll() is None
            viewer.kill()
            viewer.wait()
            viewer.stdout.close()
        return types.SimpleNamespace(returncode=0 if alive else viewer.returncode, stdout="",
                                     stderr=text.decode(errors="replace"))
