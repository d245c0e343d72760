#!/usr/bin/env python3
"""The C interface, the Python module and a consumer project against a store that the command filled.
embedders.py BUILD_FOLDER SOURCE_FOLDER"""
import os
import sys

from support import World, check

build, source = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
with World(build) as world:
    world.plate()
    (world.folder / "filled.kling").write_text(
        '{"prompt": "rain over <<<image_1>>>", "images": ["plate.exr"], "num_images": 2,'
        ' "klio": {"endpoint": "local"}}')
    (world.folder / "empty.kling").write_text('{"prompt": "nobody asked", "klio": {"endpoint": "local"}}')
    world.klio("generate", "filled.kling")
    world.run(f"{build}/bin/c_test", "filled.kling", "empty.kling", "c.exr")
    check((world.folder / "c.exr").exists(), "the C interface")
    if os.path.isdir(f"{build}/lib/klio/python"):
        print(world.run("/usr/bin/python3", f"{source}/tests/hosts/python_test.py", build, "filled.kling",
                        "empty.kling", "python.exr").stdout.strip())
        check((world.folder / "python.exr").exists(), "the Python module")
    else:
        print("SKIPPED: the Python module was not built")

    prefix = world.folder / "prefix"
    tools = {"LD_PRELOAD": ""}  # make and the compiler have nothing that a sanitizer should look at
    world.run("cmake", "--install", build, "--prefix", prefix, timeout=300, **tools)
    for name in ("bin/klio", "include/klio/session.h", "include/klio/version.h", "include/klio/c/klio.h"):
        check((prefix / name).exists(), f"installed: {name}")
    check(list(prefix.glob("lib*/**/klio/oiio/kling.imageio.so")), "installed: the plugin")
    world.run("cmake", "-S", f"{source}/samples/consumer", "-B", "consumer", f"-DCMAKE_PREFIX_PATH={prefix}",
              "-DCMAKE_BUILD_TYPE=Release", timeout=300, **tools)
    world.run("cmake", "--build", "consumer", timeout=300, **tools)
    out = world.run("consumer/consumer").stdout
    check("frame 2: 1248x832" in out, "a consumer project builds against the prefix and runs")
    check(prefix.name in world.run(prefix / "bin/klio", "env", PATH=os.environ["PATH"]).stdout,
          "the installed command finds its own plugin")
    check(world.run(prefix / "bin/klio", "--version").stdout.startswith("klio "), "the installed command runs")
