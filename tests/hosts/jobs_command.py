#!/usr/bin/env python3
"""`klio jobs` and `klio cost` as a person types them: filters, endpoints, budgets, what is said once.
jobs_command.py BUILD_FOLDER"""
import json
import re
import sys

from support import World, check

KEY = {"KLIO_API_KEY": "test-key-123"}


def events(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def jobs(world, *words):
    return events(world.klio("jobs", *words, "--json"))


def refused(world, *words, says):
    done = world.klio(*words, code=2)
    check(says in done.stderr, f"klio {' '.join(words)}: {done.stderr.strip()}")


def filters(world):
    world.klio("generate", "--local", "--prompt", "A Red door", "--out", "red.exr")
    for value in ("-1", "nan", "0", "inf", ""):
        refused(world, "jobs", "--days", value, says="above 0")
    for value in ("-1", "0", "1.5", "x"):
        refused(world, "jobs", "--limit", value, says="1 or more")
    refused(world, "jobs", "show", "abcd", "--unmasked", says="goes with --raw")
    refused(world, "jobs", "--days", "3", "collect", says="filter of klio jobs list")
    refused(world, "jobs", "resolve", "abcd", says="one of --task")
    check(len(jobs(world, "--text", "red")) == 1 and len(jobs(world, "--text", "num_images")) == 0,
          "--text looks at the prompt, not at how it is stored")
    key = jobs(world)[0]["job"]
    check(key in world.klio("jobs", "show", key[:10].upper()).stdout, "a key in capitals is that key")


def endpoints(world):
    """A job at an address that the settings do not name is asked for with --endpoint."""
    gateway = world.gateway("--key", "test-key-123", "--fault", "hang@poll", "--fault-seconds", 30)
    words = ["generate", "--endpoint", gateway.endpoint, "--prompt", "moved", "--out", "moved.exr"]
    world.klio(*words, "--timeout", 1, code=None, **KEY)
    key = jobs(world, "--text", "moved")[0]["job"]
    check(jobs(world, "--endpoint", gateway.endpoint.upper().replace("HTTP", "http") + "/")[0]["job"] == key,
          "the filter takes an address in another form")
    nowhere = world.klio("jobs", "collect", key, "--endpoint", "http://127.0.0.1:9", "--timeout", 1,
                         code=None, **KEY)
    check("127.0.0.1:9" in nowhere.stderr and nowhere.returncode not in (0, 8),
          f"--endpoint is where it asks: {nowhere.stderr.strip()[:200]}")
    other = world.klio("jobs", "collect", "--endpoint", "http://127.0.0.1:9")
    check("nothing to collect" in other.stdout, "and other services' jobs are not asked for there")
    gateway.stop()


def budgets(world):
    refused(world, "generate", "--local", "--prompt", "x", "--budget-per-day", "", says="0 or more")
    world.klio("generate", "--local", "--prompt", "free", "--budget", 0, "--budget-per-day", 0,
               "--out", "free.exr", KLIO_BUDGET="0")
    check((world.folder / "free.exr").exists(), "what costs nothing is over no budget")
    lines = events(world.klio("cost", "--json", KLIO_BUDGET="60", KLIO_BUDGET_PER_DAY="12"))
    budget = {line["of"]: line for line in lines if line["event"] == "budget"}
    check(budget["total"]["limit"] == 60 and budget["day"]["limit"] == 12, f"cost --json has budgets: {budget}")
    wrong = world.klio("cost", code=2, KLIO_BUDGET="ten")
    check(wrong.stdout == "", "a budget that is no number is said before anything is shown")


def said_once(world):
    gateway = world.gateway("--key", "test-key-123", "--fault", "too-few")
    done = world.klio("generate", "--endpoint", gateway.endpoint, "--prompt", "few", "--num-images", 3,
                      "--out", "few.#.exr", **KEY)
    check(len(re.findall("asked for 3 images", done.stderr)) == 1, f"a warning is said once: {done.stderr}")
    gateway.stop()


def resolved(world):
    gateway = world.gateway("--key", "test-key-123", "--fault", "502@create:1")
    words = ["generate", "--endpoint", gateway.endpoint, "--prompt", "doubt", "--out", "doubt.exr"]
    world.klio(*words, code=8, **KEY)
    key = jobs(world, "--text", "doubt")[0]["job"]
    world.klio("jobs", "resolve", key, "--not-charged", code=2)
    world.klio("jobs", "resolve", key, "--resubmit")
    world.klio(*words, **KEY)
    shown = jobs(world, "--text", "doubt")[0]
    check(shown["credits_at_least"] == 12 and ">=12" in world.klio("jobs", "--text", "doubt").stdout,
          "credits are what counts, all attempts together")
    world.klio("jobs", "resolve", key, "--not-charged")
    check(jobs(world, "--text", "doubt")[0]["credits_at_least"] == 6, "until one is said not to be charged")
    gateway.stop()


if __name__ == "__main__":
    with World(sys.argv[1]) as world:
        filters(world)
        endpoints(world)
        budgets(world)
        said_once(world)
        resolved(world)
