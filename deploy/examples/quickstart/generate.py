#!/usr/bin/env python3
"""Writes the generated part of the quickstart, and ../../profiles, from the real data.

    python3 deploy/examples/quickstart/generate.py --data ../shared/data

The same data gives the same bytes. README.md says which numbers are facts and which are declared.
Needs nothing but Python's standard library. Files that are not written here are written by hand.
"""

import argparse
import pathlib

import facts

HERE = pathlib.Path(__file__).resolve().parent
HEADER = "# Written by generate.py; README.md says what is fact and what is declared.\n"
H100, B200 = "NVIDIA-H100-80GB-HBM3", "NVIDIA-B200"

# Declared, to make a story: place, zone, law, clock, AWARE region, nodes of eight, watts of the connection, 95th percentile
# latencies, cooling as (wet bulb, PUE, WUE) and what it is, and the shape of a day: (morning, midday, evening).
SITES = {
    "california": {
        "place": "Santa Clara Valley, California",
        "zone": "US-CAL-CISO",
        "jurisdiction": "US",
        "clock": "America/Los_Angeles",
        "basin": "US-CA",
        "nodes": (1, 1),
        "connection": "40k",
        "latency": {"us": 60, "eu": 145, "apac": 120},
        "cooling": [(5, "1.12", "0.6"), (15, "1.15", "1.4"), (25, "1.22", "2.1")],
        "cooled": "evaporative towers: little power, much water",
        "Price": (0.10, 0.35, 0.55),
        "AverageCarbon": (0.0, 0.45, 0.05),
        "WetBulb": 2.5,
    },
    "frankfurt": {
        "place": "Frankfurt am Main, Hesse",
        "zone": "DE-LU",
        "jurisdiction": "DE",
        "clock": "Europe/Berlin",
        "basin": "DE",
        "nodes": (2, 1),
        "connection": "60k",
        "latency": {"us": 105, "eu": 20, "apac": 180},
        "cooling": [(0, "1.15", "0.1"), (12, "1.2", "0.3"), (22, "1.28", "0.9")],
        "cooled": "dry coolers that are sprayed on warm days",
        "Price": (0.15, 0.25, 0.35),
        "AverageCarbon": (0.0, 0.20, 0.08),
        "WetBulb": 2.0,
    },
    "london": {
        "place": "Slough, west of London",
        "zone": "GB",
        "jurisdiction": "GB",
        "clock": "Europe/London",
        "basin": "GB",
        "nodes": (2, 1),
        "connection": "60k",
        "latency": {"us": 95, "eu": 25, "apac": 190},
        "cooling": [(0, "1.12", "0.05"), (12, "1.15", "0.15"), (22, "1.24", "0.5")],
        "cooled": "outside air most of the year",
        "Price": (0.12, 0.08, 0.35),
        "AverageCarbon": (0.03, 0.15, 0.15),
        "WetBulb": 1.5,
    },
    "sydney": {
        "place": "Western Sydney, New South Wales",
        "zone": "AU-NSW",
        "jurisdiction": "AU",
        "clock": "Australia/Sydney",
        "basin": "AU-NSW",
        "nodes": (1, 1),
        "connection": "40k",
        "latency": {"us": 190, "eu": 270, "apac": 70},
        "cooling": [(5, "1.28", "0"), (15, "1.33", "0"), (25, "1.42", "0")],
        "cooled": "dry: no water at all, and more power for it",
        "Price": (0.10, 0.70, 1.20),
        "AverageCarbon": (0.0, 0.45, 0.0),
        "WetBulb": 1.8,
    },
    "toronto": {
        "place": "Toronto, Ontario",
        "zone": "CA-ON",
        "jurisdiction": "CA",
        "clock": "America/Toronto",
        "basin": "CA-ON",
        "nodes": (1, 1),
        "connection": "30k",
        "latency": {"us": 35, "eu": 105, "apac": 160},
        "cooling": [(0, "1.08", "0.05"), (12, "1.14", "0.2"), (24, "1.25", "0.8")],
        "cooled": "lake water and outside air",
        "Price": (0.10, 0.0, 0.25),
        "AverageCarbon": (0.20, -0.10, 0.20),
        "WetBulb": 2.0,
    },
}

# Model, GPU as ML.ENERGY writes it, product, GPUs of a replica, declared host watts of a replica.
PROFILES = {
    "llama-3.1-8b-h100": ("meta-llama/Llama-3.1-8B-Instruct", "H100", H100, 1, 300),
    "llama-3.1-8b-b200": ("meta-llama/Llama-3.1-8B-Instruct", "B200", B200, 1, 400),
    "llama-3.1-70b-h100": ("meta-llama/Llama-3.1-70B-Instruct", "H100", H100, 4, 1200),
    "llama-3.1-70b-b200": ("meta-llama/Llama-3.1-70B-Instruct", "B200", B200, 2, 800),
}

KINDS = {"Price": "price", "AverageCarbon": "carbon", "WetBulb": "wet-bulb"}
UNITS = {"Price": "USD/MWh", "AverageCarbon": "gCO2e/kWh", "WetBulb": "°C"}


def replay(quantity, zone):
    return {
        "Price": f"{facts.PRICE_FILE};datetime_utc;{zone}",
        "AverageCarbon": f"{facts.carbon_file(zone)};Datetime (UTC);{facts.CARBON_COLUMN}",
        "WetBulb": facts.weather_file(zone),
    }[quantity]


def signal(name, site, quantity, fact):
    mean, hours, source = fact
    if quantity == "WetBulb":
        shape = f"mean + {site['WetBulb']} * cos(2 pi (h + 0.5 - 15) / 24)"
        values = [mean + swing for swing in facts.hour_swing(site["WetBulb"])]
    else:
        morning, midday, evening = site[quantity]
        shape = (
            f"mean * f(h), f(h) ~ 1 + {morning} g(8, 2) - {midday} g(13, 3) + {evening} g(19, 2.5), "
            "g a Gaussian bump (centre, width), mean of f is 1"
        )
        values = [mean * factor for factor in facts.hour_shape(morning, midday, evening)]
    listed = ", ".join(f'"{value:.1f}"' for value in values)
    currency = "\n  currency: USD" if quantity == "Price" else ""
    return f"""---
apiVersion: commonwatt.dev/v1alpha1
kind: GridSignal
metadata:
  name: {name}-{KINDS[quantity]}
  annotations:
    # Fact: the mean of 2023.
    quickstart.commonwatt.dev/mean: "{mean:.1f} {UNITS[quantity]} over {hours} hours of 2023, {source}"
    # Declared: how a day goes. Not data.
    quickstart.commonwatt.dev/shape: "generated: {shape}"
    # With --data DIR the real file takes this one's place.
    commonwatt.dev/replay: "{replay(quantity, site['zone'])}"
spec:
  zone: {site['zone']}
  quantity: {quantity}{currency}
  source:
    static:
      repeat: Daily
      timeZone: {site['clock']}
      values: [{listed}]
  fallback: "{mean:.1f}"
"""


def site(data, name, site):
    h100 = facts.list_price(data, "p5.48xlarge", 8)
    b200 = facts.list_price(data, "p6-b200.48xlarge", 8)
    latencies = "".join(
        f"\n  - {{origin: {origin}, p95Milliseconds: {limit}}}" for origin, limit in site["latency"].items()
    )
    cooling = "".join(
        f'\n  - {{wetBulbCelsius: {degrees}, pue: "{pue}", wueLitersPerKwh: "{wue}"}}'
        for degrees, pue, wue in site["cooling"]
    )
    return f"""---
apiVersion: commonwatt.dev/v1alpha1
kind: Site
metadata:
  name: {name}
spec:
  # Nothing real runs with `commonwatt up`. On a cluster the operator's own --mode counts where it is more cautious.
  mode: Enforce
  location: {{place: "{site['place']}", jurisdiction: {site['jurisdiction']}, timeZone: {site['clock']}, gridZone: {site['zone']}}}
  nodeSelector: {{commonwatt.dev/site: {name}}}
  hubs:
  - name: hub
    sharePercent: 100
    namespaceMap: [{{hub: models, site: models}}]
  # Declared.
  latencies:{latencies}
  # Declared: {site['cooled']}.
  cooling:{cooling}
  signals: {{price: {name}-price, averageCarbon: {name}-carbon, wetBulb: {name}-wet-bulb}}
  connectionWatts: {site['connection']}
  currency: USD
  # Price: list price in us-east-1 in July 2026 of p5.48xlarge and p6-b200.48xlarge, by their eight GPUs
  # ({facts.AWS_FILE}).
  # One price everywhere, so that energy, carbon and water decide and not a vendor's regional margin. It has
  # energy in it, which this field should not: it is too high by some cents.
  # Watts: the GPU's rated power and 300 or 400 W for its part of the host, declared.
  accelerators:
  - {{product: {H100}, hourlyPrice: "{h100:.4g}", ratedWatts: 1k}}
  - {{product: {B200}, hourlyPrice: "{b200:.6g}", ratedWatts: 1400}}
  # AWARE 2.0, {site['basin']} ({facts.AWARE_FILE}).
  waterScarcityFactor: "{facts.aware(data, site['basin'])}"
"""


def nodes(name, site):
    manifests = []
    for product, short, count in ((H100, "h100", site["nodes"][0]), (B200, "b200", site["nodes"][1])):
        for number in range(count):
            manifests.append(f"""---
apiVersion: v1
kind: Node
metadata:
  name: {name}-{short}-{number}
  labels: {{commonwatt.dev/site: {name}, nvidia.com/gpu.product: {product}, kubernetes.io/os: linux}}
  # kwok, if it runs, keeps such a node Ready.
  annotations: {{kwok.x-k8s.io/node: fake}}
status:
  capacity: {{cpu: "192", memory: 2Ti, pods: "110", nvidia.com/gpu: "8"}}
  allocatable: {{cpu: "192", memory: 2Ti, pods: "110", nvidia.com/gpu: "8"}}
  conditions:
  - {{type: Ready, status: "True", reason: Simulated, message: "a node of the quickstart"}}
""")
    return manifests


def profile(data, name):
    model, gpu, product, accelerators, host = PROFILES[name]
    measured, file = facts.measured_points(data, model, gpu, accelerators)
    points = "".join(
        f'\n  - {{concurrency: {concurrency}, tokensPerSecond: "{tokens:.1f}", watts: {watts:.0f}, '
        f'interTokenMilliseconds: "{milliseconds:.2f}"}}'
        for concurrency, tokens, watts, milliseconds in measured
    )
    return f"""---
apiVersion: commonwatt.dev/v1alpha1
kind: ModelProfile
metadata:
  name: {name}
spec:
  model: {model}
  product: {product}
  accelerators: {accelerators}
  # Measured: the accelerators' power alone, {'all ' + str(accelerators) + ' of a replica together' if accelerators > 1 else 'one for a replica'}.
  boundary: Gpu
  # Declared, not measured: CPUs, memory, fans and network, {host // accelerators} W for each accelerator of a server of eight.
  hostWatts: {host}
  # Concurrency is the engine's limit of sequences (max_num_seqs); times are the 95th percentile between two tokens.
  points:{points}
  source: "ML.ENERGY leaderboard v3 (2026-02-16), commit 0cd52dab, public/data/models/{file}: task lm-arena-chat, bfloat16"
  licence: "Apache-2.0 by the dataset's card; the repository itself has no licence file"
"""


def write(path, manifests):
    path.write_text(HEADER + "".join(manifests), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", required=True, help="the folder with sites/, profiles/, gpu-prices/ and water/")
    data = parser.parse_args().data
    means = {name: facts.annual_means(data, entry["zone"]) for name, entry in SITES.items()}
    write(HERE / "20-sites.yaml", [site(data, name, entry) for name, entry in SITES.items()])
    write(
        HERE / "30-signals.yaml",
        [signal(n, entry, q, means[n][q]) for n, entry in SITES.items() for q in KINDS],
    )
    write(HERE / "nodes/nodes.yaml", [node for name, entry in SITES.items() for node in nodes(name, entry)])
    profiles = [profile(data, name) for name in PROFILES]
    write(HERE / "50-profiles.yaml", profiles)
    adapters = sorted((HERE / "../../adapters").glob("[!k]*.yaml"))
    write(HERE / "10-adapters.yaml", ["---\n" + file.read_text().removeprefix("---\n") for file in adapters])
    for name, manifest in zip(PROFILES, profiles):
        write(HERE / f"../../profiles/{name}.yaml", [manifest.removeprefix("---\n")])


if __name__ == "__main__":
    main()
