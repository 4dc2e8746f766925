"""Facts: read from the real data, averaged, and never changed. Standard library only."""

import csv
import gzip
import json
import math
import pathlib
import statistics

CARBON_COLUMN = "Carbon Intensity gCO₂eq/kWh (LCA)"
PRICE_FILE = "sites/price/price_usd_per_mwh_2023.csv.gz"
AWARE_FILE = "water/aware/AWARE 2.0_Country_unspecified_yearly.json"
AWS_FILE = "gpu-prices/karpenter-aws/aws_ondemand_prices_20260720.csv.gz"


def carbon_file(zone):
    return f"sites/carbon/{zone}/{zone}_2023_hourly.csv.gz"


def weather_file(zone):
    return f"sites/weather/{zone}/2023.json.gz"


def column_mean(path, column):
    """Mean of a CSV column; blanks are gaps and not zeros."""
    with gzip.open(path, "rt", encoding="utf-8-sig") as file:
        values = [float(row[column]) for row in csv.DictReader(file) if row[column]]
    return statistics.mean(values), len(values)


def wet_bulb(celsius, humidity):
    """Wet-bulb temperature at sea level, R. Stull, J. Appl. Meteor. Climatol. 50 (2011), equation 1."""
    return (
        celsius * math.atan(0.151977 * math.sqrt(humidity + 8.313659))
        + math.atan(celsius + humidity)
        - math.atan(humidity - 1.676331)
        + 0.00391838 * humidity**1.5 * math.atan(0.023101 * humidity)
        - 4.686035
    )


def wet_bulb_mean(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        hourly = json.load(file)["hourly"]
    pairs = zip(hourly["temperature_2m"], hourly["relative_humidity_2m"])
    values = [wet_bulb(t, h) for t, h in pairs if t is not None and h is not None]
    return statistics.mean(values), len(values)


def annual_means(data, zone):
    """(mean, hours with a value, source) by quantity for 2023."""
    data = pathlib.Path(data)
    price = column_mean(data / PRICE_FILE, zone)
    carbon = column_mean(data / carbon_file(zone), CARBON_COLUMN)
    wet = wet_bulb_mean(data / weather_file(zone))
    return {
        "Price": (*price, f"column {zone} of {PRICE_FILE}"),
        "AverageCarbon": (*carbon, f"column '{CARBON_COLUMN}' of {carbon_file(zone)}"),
        "WetBulb": (*wet, f"temperature and humidity of {weather_file(zone)} (Stull 2011)"),
    }


def aware(data, region):
    """AWARE 2.0 factor of a region for consumption, all uses, yearly."""
    exchanges = json.loads((pathlib.Path(data) / AWARE_FILE).read_text())["exchanges"]
    found = {
        exchange["value"]
        for exchange in exchanges
        if exchange["consumer"].get("location") == region and exchange["value"] > 0
    }
    assert len(found) == 1, (region, found)
    return found.pop()


def list_price(data, instance, accelerators):
    """List price per accelerator and hour, USD."""
    with gzip.open(pathlib.Path(data) / AWS_FILE, "rt") as file:
        for row in csv.reader(file):
            if row[:2] == ["us-east-1", instance]:
                return float(row[2]) / accelerators
    raise KeyError(instance)


def measured_points(data, model, gpu, accelerators):
    """Points of ML.ENERGY on a number of GPUs: (concurrency, tokens/s, watts of all GPUs, p95 ms)."""
    name = model.replace("/", "__") + "__lm-arena-chat.json"
    folder = pathlib.Path(data) / "profiles/ml-energy-leaderboard/models"
    configurations = json.loads((folder / name).read_text())["configurations"]
    points = [
        (
            point["max_num_seqs"],
            point["output_throughput_tokens_per_sec"],
            point["avg_power_watts"],
            point["p95_itl_ms"],
        )
        for point in configurations
        if point["gpu_model"] == gpu and point["num_gpus"] == accelerators
    ]
    assert points, (model, gpu, accelerators)
    return sorted(points), name


def hour_shape(morning, midday, evening):
    """24 factors with a mean of 1: the declared shape of a day.

    f(h) = 1 + morning*g(8, 2) - midday*g(13, 3) + evening*g(19, 2.5), where g(centre, width) is a Gaussian bump over the
    hours of the day (in the middle of hour h), divided by the mean of f.
    """

    def bump(hour, centre, width):
        distance = abs(hour + 0.5 - centre)
        distance = min(distance, 24 - distance)
        return math.exp(-0.5 * (distance / width) ** 2)

    raw = [
        1 + morning * bump(h, 8, 2) - midday * bump(h, 13, 3) + evening * bump(h, 19, 2.5)
        for h in range(24)
    ]
    mean = statistics.mean(raw)
    return [value / mean for value in raw]


def hour_swing(amplitude):
    """24 differences with a mean of 0: a cosine that is highest at 15:00."""
    return [amplitude * math.cos(2 * math.pi * (h + 0.5 - 15) / 24) for h in range(24)]
