"""How Kestrel Field Research sorts its things: categories, makers, depreciations and sets of custom fields."""

from typing import NamedTuple


class Depreciation(NamedTuple):
    """How a value falls."""

    name: str
    method: str
    months: int
    rate: str | None = None
    convention: str = "full_month"
    minimum_value: str | None = None
    minimum_percent: str | None = None


class Maker(NamedTuple):
    """A manufacturer with its addresses on the web."""

    name: str
    url: str
    support_url: str | None = None
    warranty_lookup_url: str | None = None


class Field(NamedTuple):
    """A custom field of assets, for one field set; `options` are the words of a choice."""

    field_set: str
    name: str
    kind: str
    options: tuple[str, ...] = ()
    help: str | None = None


# kind, category, its subcategories, depreciation, color, whether somebody who gets one signs for it
CATEGORIES = (
    ("asset", "Cameras", ("Cinema cameras", "Mirrorless cameras", "Action cameras", "Thermal cameras"), "Film equipment, 5 years", "#2954b0", True),
    ("asset", "Lenses", ("Cinema lenses", "Photo lenses"), "Optics, 8 years", "#2954b0", True),
    ("asset", "Sound", ("Microphones", "Recorders", "Wireless systems", "Headphones"), "Film equipment, 5 years", "#6843ac", False),
    ("asset", "Light & grip", ("Lights", "Tripods", "Gimbals"), "Film equipment, 5 years", "#6843ac", False),
    ("asset", "Cases & kits", (), "Straight line, 3 years", "#6b7280", False),
    ("asset", "Computers", ("Laptops", "Workstations", "Servers", "Tablets", "Phones"), "Straight line, 3 years", "#215db3", True),
    ("asset", "Office & network", ("Monitors", "Projectors", "Printers", "Network"), "Straight line, 3 years", "#215db3", False),
    ("asset", "Drones", ("Multirotors", "Fixed wing"), "Drones, 3 years by digits", "#006a3a", True),
    ("asset", "Survey", ("Total stations", "GNSS receivers", "Levels & lasers", "Laser scanners", "Handheld GPS"), "Optics, 8 years", "#895100", True),
    ("asset", "Laboratory", ("Microscopes", "Electronics", "Balances", "Sensors & loggers"), "Optics, 8 years", "#006a3a", False),
    ("asset", "Field medicine", ("Cold chain", "Resuscitation"), "Straight line, 5 years", "#b51e26", False),
    ("asset", "Vehicles", ("Vans", "Off-road", "Boats & engines", "Snowmobiles"), "Vehicles, 25 % a year", "#895100", True),
    ("asset", "Tools", ("Drilling", "Cutting", "Measuring"), "Straight line, 5 years", "#895100", False),
    ("asset", "Power", ("Batteries", "Generators", "Power stations"), "Straight line, 3 years", "#895100", False),
    ("asset", "Safety & radio", ("Radios", "Satellite phones", "Climbing", "Avalanche"), "Straight line, 5 years", "#b51e26", True),
    ("accessory", "Camera accessories", ("Memory cards", "Filters"), None, None, False),
    ("accessory", "Computer accessories", ("Docks", "Keyboards & mice"), None, None, False),
    ("component", "Computer parts", ("Memory", "Drives"), None, None, False),
    ("component", "Drone parts", ("Propellers", "Gimbal parts"), None, None, False),
    ("consumable", "Medical supplies", ("Gloves & masks", "Test strips"), None, "#b51e26", False),
    ("consumable", "Office supplies", ("Toner & ink", "Labels"), None, None, False),
    ("license", "Software", ("Editing", "Engineering", "Office"), None, None, True),
    ("inventory", "Spare parts", ("Vehicle parts", "Seals & belts"), None, None, False),
)  # fmt: skip
DEPRECIATIONS = (
    Depreciation("Straight line, 3 years", "straight_line", 36),
    Depreciation("Straight line, 5 years", "straight_line", 60, minimum_value="1.00"),
    Depreciation("Film equipment, 5 years", "double_declining", 60, minimum_percent="10"),
    Depreciation("Optics, 8 years", "straight_line", 96, minimum_percent="15"),
    Depreciation("Vehicles, 25 % a year", "declining", 96, rate="25", convention="half_year", minimum_value="1500.00"),
    Depreciation("Drones, 3 years by digits", "sum_of_years", 36, minimum_percent="5"),
)
EULA = (
    "I have received the equipment named above in working order. I keep it dry, locked and charged, I lend it to nobody "
    "outside Kestrel Field Research, and I report loss or damage the day I notice it."
)
# Which field set the products of a category get.
FIELD_SETS = {
    "Cinema cameras": "Camera", "Mirrorless cameras": "Camera", "Laptops": "Computer", "Workstations": "Computer",
    "Servers": "Computer", "Vans": "Vehicle", "Off-road": "Vehicle", "Boats & engines": "Vehicle",
    "Multirotors": "Drone", "Fixed wing": "Drone", "Total stations": "Instrument", "GNSS receivers": "Instrument",
    "Laser scanners": "Instrument", "Electronics": "Instrument", "Balances": "Instrument",
}  # fmt: skip
FIELDS = (
    Field("Camera", "Sensor", "choice", ("Full frame", "Super 35", "Micro Four Thirds", "Medium format")),
    Field("Camera", "Lens mount", "choice", ("E", "EF", "RF", "L", "MFT", "Z")),
    Field("Camera", "Shutter count", "number", help="Releases, read at the last sensor cleaning"),
    Field("Computer", "CPU", "text"),
    Field("Computer", "RAM GB", "number"),
    Field("Computer", "Disk encrypted", "boolean"),
    Field("Vehicle", "Plate", "text"),
    Field("Vehicle", "Fuel", "choice", ("Diesel", "Petrol", "Electric")),
    Field("Vehicle", "Next inspection", "date"),
    Field("Drone", "Operator registration", "text"),
    Field("Drone", "Flight hours", "number"),
    Field("Instrument", "Calibrated on", "date"),
    Field("Instrument", "Certificate", "url", help="The laboratory's page of the certificate"),
    Field("", "Insured with", "choice", ("Allianz", "Fidelidade", "PZU", "Southern Cross")),
)
MAKERS = (
    Maker("Sony", "https://pro.sony", "https://www.sony.com/electronics/support"),
    Maker("Canon", "https://www.canon-europe.com", "https://www.canon-europe.com/support/"),
    Maker("Nikon", "https://www.nikon.com"),
    Maker("Panasonic", "https://www.panasonic.com"),
    Maker("Blackmagic Design", "https://www.blackmagicdesign.com", "https://www.blackmagicdesign.com/support/"),
    Maker("GoPro", "https://gopro.com"),
    Maker("Zeiss", "https://www.zeiss.com"),
    Maker("Sigma", "https://www.sigma-global.com"),
    Maker("Sennheiser", "https://www.sennheiser.com"),
    Maker("Sound Devices", "https://www.sounddevices.com"),
    Maker("Zoom", "https://zoomcorp.com"),
    Maker("RØDE", "https://rode.com"),
    Maker("Aputure", "https://www.aputure.com"),
    Maker("ARRI", "https://www.arri.com"),
    Maker("Sachtler", "https://www.sachtler.com"),
    Maker("Manfrotto", "https://www.manfrotto.com"),
    Maker("Pelican", "https://www.pelican.com"),
    Maker("DJI", "https://www.dji.com", "https://www.dji.com/support"),
    Maker("AgEagle", "https://ageagle.com"),
    Maker("Apple", "https://www.apple.com", "https://support.apple.com", "https://checkcoverage.apple.com"),
    Maker(
        "Lenovo", "https://www.lenovo.com", "https://support.lenovo.com", "https://pcsupport.lenovo.com/warrantylookup"
    ),
    Maker("Dell", "https://www.dell.com", "https://www.dell.com/support", "https://www.dell.com/support/home"),
    Maker("HP", "https://www.hp.com", "https://support.hp.com", "https://support.hp.com/checkwarranty"),
    Maker("Samsung", "https://www.samsung.com"),
    Maker("EIZO", "https://www.eizo.com"),
    Maker("Epson", "https://www.epson.eu"),
    Maker("Zebra", "https://www.zebra.com"),
    Maker("Brother", "https://www.brother.eu"),
    Maker("Cisco", "https://www.cisco.com"),
    Maker("Ubiquiti", "https://ui.com"),
    Maker("Synology", "https://www.synology.com"),
    Maker("Leica Geosystems", "https://leica-geosystems.com"),
    Maker("Trimble", "https://www.trimble.com"),
    Maker("Garmin", "https://www.garmin.com", "https://support.garmin.com"),
    Maker("Bosch", "https://www.bosch-professional.com"),
    Maker("Makita", "https://www.makita.com"),
    Maker("Hilti", "https://www.hilti.com"),
    Maker("Hazet", "https://www.hazet.de"),
    Maker("Fluke", "https://www.fluke.com"),
    Maker("Rigol", "https://www.rigol.com"),
    Maker("Keysight", "https://www.keysight.com"),
    Maker("Testo", "https://www.testo.com"),
    Maker("Thorlabs", "https://www.thorlabs.com"),
    Maker("Mettler Toledo", "https://www.mt.com"),
    Maker("Campbell Scientific", "https://www.campbellsci.com"),
    Maker("Vaisala", "https://www.vaisala.com"),
    Maker("YSI", "https://www.ysi.com"),
    Maker("Vestfrost", "https://vestfrostsolutions.com"),
    Maker("Philips", "https://www.philips.com/healthcare"),
    Maker("ZOLL", "https://www.zoll.com"),
    Maker("Volkswagen", "https://www.volkswagen.com"),
    Maker("Toyota", "https://www.toyota.com"),
    Maker("Yamaha", "https://www.yamaha-motor.com"),
    Maker("Zodiac", "https://www.zodiac-nautic.com"),
    Maker("Lynx", "https://www.brplynx.com"),
    Maker("Honda", "https://www.honda.com"),
    Maker("EcoFlow", "https://www.ecoflow.com"),
    Maker("Motorola", "https://www.motorolasolutions.com"),
    Maker("Icom", "https://www.icomeurope.com"),
    Maker("Iridium", "https://www.iridium.com"),
    Maker("Petzl", "https://www.petzl.com"),
    Maker("Mammut", "https://www.mammut.com"),
)
