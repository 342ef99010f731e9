#!/usr/bin/env python3
"""Checks a finished demo: recomputes from the dataset what the REST API must answer, and compares.

Shares no code with the pipeline: Python's own csv module reads the dataset, and the rules are written out here once more.
  - A snapshot is one video on one day; of doubled rows of a video and day the last one counts.
  - On every day of the dataset the demo crawls the day's trending chart (one post log a snapshot), every channel seen so far (one profile log each),
    and, for a channel seen for the first time, all of its videos known by then (one post log each). After the last day every known video is
    refreshed once more.
  - A channel's views are the sum over its videos of each video's last snapshot on or before the day; followers the same of likes; uploads the number
    of those videos.
One line a comparison; exit code 0 when all agree, 3 when any differs, 2 when it could not compare.
"""
import argparse
import base64
import collections
import csv
import hashlib
import json
import random
import sys
import time
import urllib.error
import urllib.request

csv.field_size_limit(1 << 30)


def channel_id(title):
    digest = hashlib.sha256(("channel:" + title).encode()).digest()
    return "UC" + base64.urlsafe_b64encode(digest).decode()[:22]


def read_dataset(path, year):
    """[(date, video_id, channel title, views, likes, comments)], in file order; damaged rows are left out as the sandbox documents."""
    rows = []
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.reader(file)
        header = [name.strip() for name in next(reader)]
        at = {name: i for i, name in enumerate(header)}
        for cells in reader:
            if len(cells) != len(header):
                continue
            try:
                if "trending_date" in at:
                    yy, dd, mm = cells[at["trending_date"]].split(".")
                    date = f"20{int(yy):02}-{int(mm):02}-{int(dd):02}"
                else:
                    dd, mm = cells[at["date"]].split(".")
                    date = f"{year}-{int(mm):02}-{int(dd):02}"
                views, likes = int(cells[at["views"]]), int(cells[at["likes"]])
                comments = int(cells[at["comment_total" if "comment_total" in at else "comment_count"]])
            except ValueError:
                continue
            if not cells[at["video_id"]]:
                continue
            if "channel_title" in at:
                title = cells[at["channel_title"]]
            else:
                title = "category " + cells[at["category_id"]]
            rows.append((date, cells[at["video_id"]], title, views, likes, comments))
    return rows


class Expected:
    """What the API must show, from the dataset alone."""

    def __init__(self, rows):
        self.snapshots = collections.defaultdict(dict)  # video -> date -> (views, likes, comments)
        self.channel_of = {}
        for date, video, title, views, likes, comments in rows:
            self.snapshots[video][date] = (views, likes, comments)
            self.channel_of.setdefault(video, title)
        self.days = sorted({row[0] for row in rows})
        videos_of = collections.defaultdict(list)
        for video, title in self.channel_of.items():
            videos_of[title].append(video)
        self.first_day = {video: min(days) for video, days in self.snapshots.items()}
        self.channel_first = {title: min(self.first_day[v] for v in videos) for title, videos in videos_of.items()}
        self.videos_of = videos_of
        self.profile_logs = sum(1 for day in self.days for first in self.channel_first.values() if first <= day)
        self.post_logs = (
            sum(len(days) for days in self.snapshots.values())
            + sum(1 for title, videos in videos_of.items() for v in videos if self.first_day[v] <= self.channel_first[title])
            + len(self.snapshots)
        )

    def post_series(self, video):
        series = {day: value for day, value in self.snapshots[video].items()}
        series[self.days[-1]] = self.snapshots[video][max(self.snapshots[video])]
        return series

    def profile_series(self, title):
        series = {}
        for day in self.days:
            if day < self.channel_first[title]:
                continue
            known = [max(d for d in self.snapshots[v] if d <= day) for v in self.videos_of[title] if self.first_day[v] <= day]
            values = [self.snapshots[v][d] for v, d in zip([v for v in self.videos_of[title] if self.first_day[v] <= day], known)]
            series[day] = (sum(v[1] for v in values), sum(v[0] for v in values), len(values))
        return series

    def growth(self):
        table = []
        for video, days in self.snapshots.items():
            table.append((days[max(days)][0] - days[min(days)][0], video))
        table.sort(key=lambda row: (-row[0], row[1]))
        return table


class Api:
    def __init__(self, base):
        self.base = base.rstrip("/")

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        for attempt in range(20):
            request = urllib.request.Request(self.base + path, data=data, method=method, headers={"Content-Type": "application/json"})
            try:
                # No proxy: the API is on loopback.
                with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as reply:
                    return json.load(reply)
            except urllib.error.HTTPError as error:
                if error.code != 503 or attempt == 19:
                    raise RuntimeError(f"{method} {path}: {error.code} {error.read()[:300]!r}") from None
            except (urllib.error.URLError, ConnectionError) as error:
                if attempt == 19:
                    raise RuntimeError(f"{method} {path}: {error}") from None
            time.sleep(0.25)
        raise AssertionError


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--api", required=True, help="base URL of the REST API")
    parser.add_argument("--year", type=int, default=2017)
    parser.add_argument("--seed", type=int, default=1, help="chooses the random series")
    args = parser.parse_args()
    want = Expected(read_dataset(args.dataset, args.year))
    api = Api(args.api)
    bad = 0

    def compare(what, expected, got):
        nonlocal bad
        same = expected == got
        bad += not same
        show = lambda v: (lambda s: s if len(s) <= 100 else s[:97] + "...")(json.dumps(v, sort_keys=True, default=str))
        if same:
            print(f"ok    {what}: {show(expected)}", flush=True)
        else:
            print(f"WRONG {what}:\n      expected {show(expected)}\n      got      {show(got)}", flush=True)
            if isinstance(expected, dict) and isinstance(got, dict):
                for key in sorted(set(expected) | set(got)):
                    if expected.get(key) != got.get(key):
                        print(f"      {key}: expected {expected.get(key)} got {got.get(key)}", flush=True)
                        break

    status = api.call("GET", "/api/status")["data"]
    compare("number of profile logs", want.profile_logs, status["profileLogs"])
    compare("number of post logs", want.post_logs, status["postLogs"])

    chooser = random.Random(args.seed)
    span = {"startDate": want.days[0], "endDate": want.days[-1]}
    for title in chooser.sample(sorted(want.videos_of), min(10, len(want.videos_of))):
        path = f"/discovery-service/api/profile/YOUTUBE/{channel_id(title)}/timeseries"
        points = api.call("POST", path, span)["data"]
        got = {p["date"]: (p["followers"], p["views"], p["uploads"]) for p in points if not p.get("gap")}
        expected = want.profile_series(title)
        compare(f"series of channel {title!r} over {len(expected)} days", {d: list(v) for d, v in expected.items()}, {d: list(v) for d, v in got.items()})
    for video in chooser.sample(sorted(want.snapshots), min(10, len(want.snapshots))):
        path = f"/discovery-service/api/post/YOUTUBE/{video}/timeseries"
        points = api.call("POST", path, span)["data"]
        got = {p["date"]: [p["views"], p["likes"], p["comments"]] for p in points if not p.get("gap")}
        expected = {d: list(v) for d, v in want.post_series(video).items()}
        compare(f"series of video {video} over {len(expected)} days", expected, got)

    top = api.call("POST", "/leaderboard-service/api/leaderboard/platform/YOUTUBE/posts", {"sortBy": "views_growth", "page": 1, "size": 20})["data"]
    expected = [[video, growth] for growth, video in want.growth()[:20]]
    for rank, pair in enumerate(expected, 1):
        got = [top[rank - 1]["shortcode"], top[rank - 1]["viewsGrowth"]] if rank <= len(top) else None
        compare(f"growth of views, rank {rank}", pair, got)

    if bad:
        print(f"{bad} comparisons differ", flush=True)
        return 3
    print("all comparisons agree", flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, OSError, KeyError, TypeError) as error:
        print(f"demo check could not compare: {error!r}", file=sys.stderr)
        sys.exit(2)
