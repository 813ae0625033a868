"""What the year brought, besides the everyday: expeditions, audits, people who came and went, places that were renamed."""

from typing import NamedTuple


class Expedition(NamedTuple):
    """A journey that takes things out of a site and brings them back; `ago` and `days` are days."""

    name: str
    leaves: str
    goes_to: str
    ago: int
    days: int
    pools: str
    things: int
    led_by: str


class Stocktaking(NamedTuple):
    """Somebody walks through a site and looks at everything."""

    name: str
    site: str
    ago: int
    by: str


class Renaming(NamedTuple):
    """A place that got another name."""

    path: str
    name: str
    ago: int
    by: str


class Correction(NamedTuple):
    """A product whose usual price or notes were put right."""

    model: str
    price: str
    ago: int
    by: str


EXPEDITIONS = (
    Expedition("Azores coral survey", "Lisbon", "Ponta Delgada marina", 331, 26, "media sound light kits", 18, "joao"),
    Expedition("Tekapo melt season", "Christchurch", "Tekapo ridge station", 322, 41, "drones survey safety kits", 16, "aroha"),
    Expedition("Naivasha pump tests", "Nairobi", "Naivasha pump house", 296, 13, "tools sensors safety", 9, "chidi"),
    Expedition("Ojców cave scan", "Kraków", "Ojców cave entrance", 271, 18, "survey kits tools", 11, "mateusz"),
    Expedition("Winter dark interviews", "Lisbon", "Tromsø / Arctic lab", 262, 22, "media sound", 10, "joao"),
    Expedition("Kyiv river mapping", "Kraków", "Kyiv / Field store", 233, 35, "survey", 5, "mateusz"),
    Expedition("Highland weather masts", "La Paz", "La Paz / Highland office", 219, 16, "sensors survey safety", 6, "ines"),
    Expedition("Keelung reef transects", "Lisbon", "Keelung / Wet lab", 187, 30, "media sensors", 8, "joao"),
    Expedition("Rift lakes film", "Lisbon", "Nairobi / Store A / Shelf 1", 156, 33, "media sound light kits", 14, "joao"),
    Expedition("Dry season boreholes", "Nairobi", "Naivasha pump house", 131, 20, "tools survey sensors safety", 9, "wanjiru"),
    Expedition("Summer sea ice", "Tromsø", "Tromsø / Boathouse", 118, 24, "survey safety lab media", 8, "ines"),
    Expedition("Depot shoot", "Lisbon", "Rotterdam / Warehouse / Hall 2", 92, 6, "media light sound", 9, "joao"),
    Expedition("Tatra rockfall", "Kraków", "Ojców cave entrance", 77, 15, "survey kits drones", 9, "mateusz"),
    Expedition("Southern spring flights", "Christchurch", "Tekapo ridge station", 54, 60, "drones safety kits", 12, "aroha"),
    Expedition("Azores deep dive, autumn", "Lisbon", "Ponta Delgada marina", 19, 40, "media sound light kits", 15, "joao"),
    Expedition("Clinic outreach", "Nairobi", "Naivasha pump house", 8, 12, "clinic safety power", 6, "chidi"),
    Expedition("Kyiv winter levelling", "Kraków", "Kyiv / Field store", 1, 45, "survey kits", 6, "mateusz"),
)  # fmt: skip
STOCKTAKINGS = (
    Stocktaking("Spring audit of Kraków", "Kraków", 246, "zeynep"),
    Stocktaking("Yearly audit of Nairobi", "Nairobi", 201, "wanjiru"),
    Stocktaking("Yearly audit of Christchurch", "Christchurch", 168, "aroha"),
    Stocktaking("Yearly audit of Rotterdam", "Rotterdam", 61, "leila"),
    Stocktaking("Autumn audit of Lisbon", "Lisbon", 41, "joao"),
)
RENAMINGS = (
    Renaming("Lisbon / Studio 2", "Studio 2, green screen", 228, "ines"),
    Renaming("Nairobi / Field clinic / Cold room", "Vaccine cold room", 143, "wanjiru"),
    Renaming("Rotterdam / Warehouse / Hall 2", "Hall 2, oversize", 66, "leila"),
)
CORRECTIONS = (
    Correction("21ML004MGE", "1449.00", 190, "bjorn"),
    Correction("M350-RTK", "10450.00", 121, "aroha"),
    Correction("ILME-FX3", "3749.00", 88, "ines"),
    Correction("MUWC3", "689.00", 33, "bjorn"),
)
# Shared views of lists; a parameter that ends in _id names what it means, @ is today and so many days.
VIEWS = (
    ("assets", "Kit over € 1,000", {"currency": "EUR", "purchase_cost_after": "1000", "sort": "-purchase_cost"}),
    ("assets", "In the workshop", {"status_id_in": "In Maintenance,Broken"}),
    ("assets", "Missing", {"status_id": "Lost"}),
    ("assets", "Maintenance due", {"maintenance_enabled": "true", "next_maintenance_before": "@14", "sort": "next_maintenance_on"}),
    ("assets", "Warranty ends soon", {"warranty_expires_after": "@0", "warranty_expires_before": "@60", "sort": "warranty_expires_on"}),
    ("assets", "Laptops in Lisbon", {"category_id": "Laptops", "location_id_within": "Lisbon"}),
    ("assets", "At the Azores", {"location_id_within": "Ponta Delgada marina"}),
    ("persons", "Technicians", {"is_technician": "true", "is_archived": "false"}),
)  # fmt: skip
# Who looks after the things of a site, and after its computers.
CARETAKERS = {
    "Lisbon": "joao", "Rotterdam": "leila", "Kraków": "zeynep", "Nairobi": "chidi", "Christchurch": "aroha",
    "Tromsø": "ines", "La Paz": "ines", "Keelung": "ines", "Kyiv": "mateusz",
}  # fmt: skip
TECHNICIANS = {
    "Lisbon": "anselm", "Rotterdam": "maarten", "Kraków": "kacper", "Nairobi": "chidi", "Christchurch": "lagi",
    "Tromsø": "ingrid", "La Paz": "wilmer", "Keelung": "chia-hao", "Kyiv": "kacper",
}  # fmt: skip
SERVICES = {
    "Computers": "Firmware and disk check", "Office & network": "Colour calibration", "Light & grip": "Lamp and fan check",
    "Cameras": "Sensor cleaning", "Survey": "Calibration", "Laboratory": "Calibration", "Vehicles": "Yearly service",
    "Drones": "Propulsion check", "Field medicine": "Function test", "Tools": "Electrical safety test",
    "Power": "Oil and filter", "Safety & radio": "Inspection of protective equipment",
}  # fmt: skip
DAMAGES = (
    "Dropped on the quay, mount bent.",
    "Does not charge any more.",
    "Screen cracked in transport.",
    "Salt water inside.",
)
FINDS = ("Was in the other case all along.", "Turned up at the hotel in Ponta Delgada.", "Behind the shelf.")
