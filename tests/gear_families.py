"""Owns what each family of gear must tell: which modules a recording is known by, and what comes out of it.

Facts by name, series as "metric part" (the part is empty for the device's own). The table of
`agents/design/0036-capture-and-try.md` is held to this one.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Family:
    """What a recording must give; `values` are some of its series, enough to know each transform."""

    recording: str
    modules: tuple[str, ...]
    facts: dict[str, str] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)
    ports: int = 0


FAMILIES = (
    Family(
        "network/switch/bdcom-s5612",
        ("interfaces", "host-resources"),
        values={"device_cpu_ratio": 0.76},
        ports=26,
    ),
    Family(
        "UPS/eaton-93e-80",
        ("interfaces", "ups-mib"),
        {"model": "EATON 93E 80"},
        {
            "ups_on_battery_ratio": 0,
            "ups_battery_low_ratio": 0,
            "ups_on_battery_seconds": 0,
            "ups_left_seconds": 65520,
            "ups_test_passed_ratio": 1,
            "ups_charge_ratio": 1,
            "ups_battery_volts": 521,
            "sensor_temperature_celsius battery": 25,
            "ups_input_volts input 3": 233,
            "ups_output_volts output 1": 220,
            "ups_load_ratio": 0.21,
        },
    ),
    Family(
        "UPS/eastpower-istars-swv053",
        ("interfaces", "ups-mib"),
        {"model": "EA9080"},
        {"ups_load_ratio": 0.3, "ups_charge_ratio": 1, "ups_input_volts input 1.0": 236},
    ),
    Family(
        "UPS/ingrasys-power-switch",
        ("interfaces", "ups-mib"),
        values={"ups_load_ratio": 0.33, "ups_input_volts input 2": 229},
    ),
    Family("UPS/huawei-gse200m", ("interfaces", "ups-mib"), {"model": "UPS5000"}, {"ups_battery_volts": 538.5}),
    Family(
        "UPS/phoenixtec-power",
        ("interfaces", "megatec"),
        {"firmware": "3.6.CY504.c"},
        {
            "ups_charge_ratio": 1,
            "ups_on_battery_ratio": 0,
            "ups_battery_low_ratio": 0,
            "ups_input_volts input": 239,
            "ups_output_volts output": 230.7,
            "ups_load_ratio": 0.02,
            "sensor_temperature_celsius battery": 31.5,
        },
    ),
    Family(
        "megatec",
        ("interfaces", "megatec"),
        {"model": "VGS-2000"},
        {
            "ups_on_battery_ratio": 1,
            "ups_on_battery_seconds": 840,
            "ups_battery_low_ratio": 1,
            "ups_battery_worn_ratio": 1,
            "ups_left_seconds": 190,
            "ups_charge_ratio": 0.12,
            "ups_input_volts input": 0,
        },
    ),
    Family(
        "apc-ups",
        ("interfaces", "apc-ups"),
        {"model": "Smart-UPS X 750", "serial": "EXAMPLE0007"},
        {
            "ups_on_battery_ratio": 1,
            "ups_on_battery_seconds": 420,
            "ups_charge_ratio": 0.71,
            "ups_left_seconds": 1620,
            "ups_battery_worn_ratio": 1,
            "ups_test_passed_ratio": 0,
            "ups_input_volts input": 0,
            "ups_load_ratio": 0.34,
        },
    ),
    Family(
        "UPS/apc-7902b",
        ("interfaces", "apc-pdu"),
        {"model": "AP7902B", "firmware": "v6.7.2"},
        {"sensor_power_watts all outlets": 192, "sensor_current_amperes load 1": 1.6},
    ),
    Family(
        "network/switch/cisco-c3560",
        ("interfaces", "cisco"),
        {"model-oid": "1.3.6.1.4.1.9.1.617"},
        {
            "device_cpu_ratio": 0.58,
            "storage_used_bytes memory Processor": 22188980,
            "storage_size_bytes memory Processor": 75688760,
            "sensor_temperature_celsius SW#1, Sensor#1, YELLOW": 61,
            "device_part_ok_ratio Switch#1, Fan#1": 1,
        },
        ports=57,
    ),
    Family(
        "network/switch/dlink-des3200",
        ("interfaces", "dlink"),
        values={
            "device_cpu_ratio": 0.28,
            "device_memory_ratio": 0.88,
            "sensor_temperature_celsius unit": 53,
            "device_part_ok_ratio power supply 1.1": 1,
        },
        ports=23,
    ),
    Family("network/switch/dlink-des3038", ("interfaces", "dlink"), values={"device_cpu_ratio": 0.06}, ports=32),
    Family(
        "tplink",
        ("interfaces", "tplink"),
        {"model": "TL-SG3428 2.0"},
        {"device_cpu_ratio": 0.09, "device_memory_ratio": 0.64},
    ),
    Family(
        "mikrotik",
        ("interfaces", "host-resources", "mikrotik"),
        {"model": "RB952Ui-5ac2nD", "firmware": "6.49.17"},
        {
            "device_wifi_clients_count wlan1": 7,
            "device_wifi_clients_count cap1": 3,
            "radio_signal_dbm wlan-uplink": -61,
            "radio_quality_ratio wlan-uplink": 0.95,
            "sensor_voltage_volts input": 23.8,
            "sensor_temperature_celsius cpu": 52.5,
            "sensor_temperature_celsius cpu-temperature": 52,
            "sensor_power_watts power-consumption": 13.3,
            "device_part_ok_ratio psu2-state": 0,
            "sensor_light_dbm sfp1": -14.225,
            "device_cpu_ratio": 0.21,
            "storage_used_bytes main memory": 39936000,
        },
        ports=5,
    ),
    Family(
        "network/wifi/ubiquiti-m5",
        ("interfaces", "ubiquiti-airos"),
        values={
            "radio_signal_dbm patrikeevo": -64,
            "radio_noise_dbm patrikeevo": -101,
            "radio_quality_ratio patrikeevo": 0.99,
            "radio_tx_bps patrikeevo": 162e6,
            "device_wifi_clients_count patrikeevo": 1,
        },
        ports=9,
    ),
    Family(
        "ubiquiti-airos",
        ("interfaces", "ubiquiti-airos"),
        values={
            "sensor_temperature_celsius board": 48,
            "radio_signal_dbm beket-bridge": -58,
            "device_wifi_clients_count beket-bridge": 1,
        },
    ),
    Family(
        "ubiquiti-unifi",
        ("interfaces", "ubiquiti-unifi"),
        {"model": "UAP-AC-Lite", "firmware": "6.6.55"},
        {"device_wifi_clients_count Бібліотека#2": 9, "radio_busy_ratio radio ng": 0.31},
    ),
    Family(
        "ubiquiti-edgeswitch",
        ("interfaces", "ubiquiti-edgeswitch"),
        {"model": "ES-24-250W", "serial": "EXAMPLE0002"},
        {"device_cpu_ratio": 0.115, "sensor_temperature_celsius sensor 1.0": 47, "sensor_fan_rpm fan": 5250},
    ),
    Family(
        "printer",
        ("interfaces", "printer"),
        {"model": "HP Color LaserJet MFP M283fdn"},
        {
            "printer_pages_total": 48211,
            "printer_supply_ratio Black Cartridge HP W2110A": 0.37,
            "printer_supply_ratio Waste Toner": 0.84,
            "printer_paper_ratio tray 2": 0,
            "printer_paper_out_ratio": 1,
            "printer_jammed_ratio": 0,
            "printer_toner_out_ratio": 0,
        },
    ),
    Family(
        "os/linux/slackware",
        ("interfaces", "host-resources"),
        values={"device_cpu_ratio": 0.11, "storage_size_bytes /export": 393808039936},
        ports=2,
    ),
    Family(
        "os/windows/server-2003-5-2",
        ("interfaces", "host-resources"),
        values={"storage_size_bytes C:": 53678141440, "storage_used_bytes Physical Memory": 1602486272},
        ports=2,
    ),
    Family(
        "network/firewall/paloalto-pa-5000",
        ("interfaces", "entity-sensor", "host-resources"),
        values={"sensor_fan_rpm Fan #1 RPM": 4618, "sensor_temperature_celsius Temperature @ Dune [U174]": 24},
        ports=46,
    ),
    Family(
        "sensors",
        ("interfaces", "entity-sensor"),
        values={
            "sensor_temperature_celsius Air": 23.4,
            "sensor_voltage_volts Mains": 229,
            "sensor_voltage_volts DC": 11.98,
            "sensor_current_amperes Load": 1.5,
            "sensor_power_watts Input": 1250,
            "sensor_humidity_ratio Room": 0.455,
            "sensor_fan_rpm Fan 1": 4200,
        },
    ),
    Family(
        "synology",
        ("interfaces", "synology"),
        {"model": "DS220+", "firmware": "DSM 7.2-64570"},
        {
            "device_part_ok_ratio system": 1,
            "device_part_ok_ratio Drive 2": 0,
            "device_part_ok_ratio Volume 1": 0,
            "sensor_temperature_celsius Drive 1": 36,
        },
    ),
    Family(
        "camera/hikvision",
        ("interfaces", "hikvision"),
        {"model": "DS-2CD4C36FWD-AP", "firmware": "V5.5.80 build 190131"},
        {"device_cpu_ratio": 0.52, "device_memory_ratio": 0.75},
    ),
    Family(
        "camera/hikvision-network-video-recorder",
        ("interfaces", "hikvision-recorder"),
        values={"storage_size_bytes disk": 2861588 * 2**20, "device_part_ok_ratio disk": 1},
    ),
    Family(
        "dahua",
        ("interfaces", "dahua"),
        {"model": "DHI-NVR4216"},
        {"device_cpu_ratio": 0.23, "storage_size_bytes Disk 1": 4e12, "storage_used_bytes Disk 1": 3e12},
    ),
    Family(
        "axis",
        ("interfaces", "axis"),
        values={
            "sensor_temperature_celsius sensor": 44,
            "device_part_ok_ratio power supply": 1,
            "device_part_ok_ratio fan": 0,
            "device_part_ok_ratio SD_DISK": 0,
        },
    ),
)
