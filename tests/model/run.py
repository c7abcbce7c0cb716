"""Live through many seeds, or replay one: python tests/model/run.py --seeds 5000 --hosts 3, or --seed 775."""

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "exchange"), str(Path(__file__).parent)]

from lives.life import live  # noqa: E402 - found by the path above


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--hosts", type=int, choices=(2, 3), help="2 or 3; both without it")
    parser.add_argument("--seed", type=int, help="replay this one with all logs")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    hosts = (arguments.hosts,) if arguments.hosts else (2, 3)
    if arguments.seed is not None:
        lives = [live(arguments.seed, count, print) for count in hosts]
        failed = [one for one in lives if one.wrong]
        print(*failed or ["no problem"], sep="\n\n")
        return bool(failed)
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    return bool(sum(several(seeds, count, arguments.jobs) for count in hosts))


def several(seeds: range, hosts: int, jobs: int) -> int:
    """How many of the seeds fail; each prints itself."""
    failed = 0
    with ProcessPoolExecutor(jobs) as pool:
        for life in pool.map(partial(live, hosts=hosts), seeds, chunksize=8):
            if life.wrong:
                failed += 1
                print(f"{life}\n", flush=True)
    print(f"{len(seeds)} seeds from {seeds.start} with {hosts} hosts: {failed} failed", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
