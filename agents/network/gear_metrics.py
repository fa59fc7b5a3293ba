"""Owns the names of what only some families of gear measure; the modules' TOML files say from which objects.

`part` is a part of one device that the device itself counts: a sensor, a cartridge, a disk, a radio; never a client.
"""

from beket.kernel.metrics import Metric
from beket.kernel.text import say

_DEVICE = ("site", "device")
_PART = (*_DEVICE, "part")

METRICS = (
    Metric("device_cpu_ratio", "gauge", _DEVICE, say("Зайнятість процесора.", "How busy the processor is.")),
    Metric("device_memory_ratio", "gauge", _DEVICE, say("Зайнята частка пам'яті.", "Share of memory in use.")),
    Metric(
        "device_wifi_clients_count",
        "gauge",
        _PART,
        say("Скільки пристроїв під'єднано до Wi-Fi.", "How many devices are on the Wi-Fi."),
    ),
    Metric(
        "device_part_ok_ratio",
        "gauge",
        _PART,
        say("Частина пристрою справна: 1 так, 0 ні.", "The part of the device works: 1 yes, 0 no."),
    ),
    Metric("sensor_temperature_celsius", "gauge", _PART, say("Температура.", "Temperature.")),
    Metric("sensor_humidity_ratio", "gauge", _PART, say("Вологість повітря.", "Humidity of the air.")),
    Metric("sensor_voltage_volts", "gauge", _PART, say("Напруга.", "Voltage.")),
    Metric("sensor_current_amperes", "gauge", _PART, say("Струм.", "Current.")),
    Metric("sensor_power_watts", "gauge", _PART, say("Потужність.", "Power.")),
    Metric("sensor_fan_rpm", "gauge", _PART, say("Оберти вентилятора за хвилину.", "Turns of the fan a minute.")),
    Metric("sensor_light_dbm", "gauge", _PART, say("Рівень світла в оптиці.", "Level of light in the fibre.")),
    Metric("radio_signal_dbm", "gauge", _PART, say("Рівень сигналу радіолінії.", "Signal of the radio link.")),
    Metric("radio_noise_dbm", "gauge", _PART, say("Рівень шуму в ефірі.", "Noise on the air.")),
    Metric(
        "radio_quality_ratio",
        "gauge",
        _PART,
        say("Якість радіолінії: частка пакетів без повторів.", "Quality of the radio link: share without repeats."),
    ),
    Metric("radio_busy_ratio", "gauge", _PART, say("Зайнятість ефіру.", "How busy the air is.")),
    Metric("radio_tx_bps", "gauge", _PART, say("Швидкість передавання в ефірі.", "Rate of sending on the air.")),
    Metric("radio_rx_bps", "gauge", _PART, say("Швидкість приймання в ефірі.", "Rate of receiving on the air.")),
    Metric("storage_size_bytes", "gauge", _PART, say("Місткість диска чи пам'яті.", "Size of the disk or memory.")),
    Metric("storage_used_bytes", "gauge", _PART, say("Зайнято на диску чи в пам'яті.", "Used of the disk or memory.")),
    Metric("ups_charge_ratio", "gauge", _DEVICE, say("Заряд батареї ДБЖ.", "Charge of the UPS battery.")),
    Metric(
        "ups_left_seconds",
        "gauge",
        _DEVICE,
        say("На скільки вистачить батареї ДБЖ, за його оцінкою.", "How long the UPS battery will last, as it says."),
    ),
    Metric(
        "ups_on_battery_ratio",
        "gauge",
        _DEVICE,
        say("ДБЖ живить від батареї: 1 так, 0 ні.", "The UPS runs on its battery: 1 yes, 0 no."),
    ),
    Metric(
        "ups_on_battery_seconds",
        "gauge",
        _DEVICE,
        say("Скільки ДБЖ уже живить від батареї.", "How long the UPS has run on its battery."),
    ),
    Metric(
        "ups_battery_low_ratio",
        "gauge",
        _DEVICE,
        say("Батарея ДБЖ сідає: 1 так, 0 ні.", "The UPS battery runs low: 1 yes, 0 no."),
    ),
    Metric(
        "ups_battery_worn_ratio",
        "gauge",
        _DEVICE,
        say("Батарею ДБЖ пора міняти: 1 так, 0 ні.", "The UPS battery must be replaced: 1 yes, 0 no."),
    ),
    Metric(
        "ups_test_passed_ratio",
        "gauge",
        _DEVICE,
        say("Остання самоперевірка ДБЖ вдалася: 1 так, 0 ні.", "The last self-test of the UPS passed: 1 yes, 0 no."),
    ),
    Metric("ups_load_ratio", "gauge", _DEVICE, say("Навантаження ДБЖ, найбільше з фаз.", "Load of the UPS.")),
    Metric("ups_battery_volts", "gauge", _DEVICE, say("Напруга батареї ДБЖ.", "Voltage of the UPS battery.")),
    Metric("ups_input_volts", "gauge", _PART, say("Напруга мережі на вході ДБЖ.", "Mains voltage at the UPS.")),
    Metric("ups_output_volts", "gauge", _PART, say("Напруга на виході ДБЖ.", "Voltage that the UPS gives.")),
    Metric("printer_pages_total", "counter", _DEVICE, say("Надруковано сторінок.", "Pages printed.")),
    Metric(
        "printer_supply_ratio",
        "gauge",
        _PART,
        say("Скільки лишилося тонера чи іншого запасу.", "How much toner or other supply is left."),
    ),
    Metric("printer_paper_ratio", "gauge", _PART, say("Скільки лишилося паперу.", "How much paper is left.")),
    Metric(
        "printer_paper_out_ratio",
        "gauge",
        _DEVICE,
        say("У принтері немає паперу: 1 так, 0 ні.", "The printer has no paper: 1 yes, 0 no."),
    ),
    Metric(
        "printer_jammed_ratio",
        "gauge",
        _DEVICE,
        say("У принтері застряг папір: 1 так, 0 ні.", "Paper is jammed in the printer: 1 yes, 0 no."),
    ),
    Metric(
        "printer_toner_out_ratio",
        "gauge",
        _DEVICE,
        say("У принтері скінчився тонер: 1 так, 0 ні.", "The printer has no toner: 1 yes, 0 no."),
    ),
)
