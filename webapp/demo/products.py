"""What Kestrel Field Research owns: products with their makers' model numbers, prices and styles of serial numbers."""

from typing import NamedTuple


class Product(NamedTuple):
    """A model; `share` is how many of 400 assets are of it, in `pool` it is at home, prices are EUR.

    In `serial` each # becomes a digit, each @ a capital, each ? either; `life` and `warranty` are months, `service` days.
    """

    category: str
    maker: str
    name: str
    model: str
    price: str
    share: int
    pool: str
    serial: str
    warranty: int = 24
    life: int = 60
    service: int | None = None
    custom: str = ""


class Kit(NamedTuple):
    """A case and what lies in it, each by its model number."""

    name: str
    case: str
    contents: tuple[str, ...]
    department: str
    pool: str


PRODUCTS = (
    Product("Cinema cameras", "Sony", "FX3", "ILME-FX3", "3949.00", 3, "media", "45#####", 24, 72, 365, "Sensor=Full frame|Lens mount=E"),
    Product("Cinema cameras", "Sony", "FX6", "ILME-FX6V", "5990.00", 2, "media", "21#####", 24, 72, 365, "Sensor=Full frame|Lens mount=E"),
    Product("Cinema cameras", "Canon", "EOS C70", "5095C007", "4799.00", 2, "media", "0320240#####", 24, 72, 365, "Sensor=Super 35|Lens mount=RF"),
    Product("Cinema cameras", "Canon", "EOS C300 Mark III", "3795C003", "9499.00", 1, "media", "0420210#####", 24, 84, 365, "Sensor=Super 35|Lens mount=EF"),
    Product("Cinema cameras", "Blackmagic Design", "Pocket Cinema Camera 6K Pro", "CINECAMPOCHDEF6P", "2345.00", 2, "media", "73#####", 12, 60, 365, "Sensor=Super 35|Lens mount=EF"),
    Product("Mirrorless cameras", "Sony", "α7 IV", "ILCE-7M4", "2399.00", 3, "media", "58#####", 24, 60, None, "Sensor=Full frame|Lens mount=E"),
    Product("Mirrorless cameras", "Panasonic", "Lumix GH6", "DC-GH6E", "1699.00", 3, "media", "WE2@@00####", 24, 60, None, "Sensor=Micro Four Thirds|Lens mount=MFT"),
    Product("Mirrorless cameras", "Nikon", "Z 8", "VOA101AE", "3999.00", 2, "media", "60#####", 24, 60, None, "Sensor=Full frame|Lens mount=Z"),
    Product("Mirrorless cameras", "Canon", "EOS R5 Mark II", "6536C008", "4799.00", 2, "media", "0530240#####", 24, 60, None, "Sensor=Full frame|Lens mount=RF"),
    Product("Action cameras", "GoPro", "HERO12 Black", "CHDHX-121-RW", "399.00", 6, "media", "C3531#25######", 24, 36),
    Product("Action cameras", "DJI", "Osmo Action 5 Pro", "AC005", "379.00", 4, "media", "8PK@M##00####", 12, 36),
    Product("Thermal cameras", "Testo", "883 thermal imager", "0560 8830", "2290.00", 2, "sensors", "83######", 24, 84, 365),
    Product("Cinema lenses", "Zeiss", "CP.3 35 mm T2.1", "2182-343", "3990.00", 2, "media", "57######", 24, 120),
    Product("Cinema lenses", "Zeiss", "CP.3 85 mm T2.1", "2177-905", "3990.00", 1, "media", "57######", 24, 120),
    Product("Cinema lenses", "Canon", "CN-E18-80mm T4.4 L IS KAS S", "1714C002", "4990.00", 1, "media", "08######", 24, 120),
    Product("Photo lenses", "Sony", "FE 24-70mm F2.8 GM II", "SEL2470GM2", "2099.00", 3, "media", "18#####", 24, 96),
    Product("Photo lenses", "Sony", "FE 70-200mm F2.8 GM OSS II", "SEL70200GM2", "2699.00", 2, "media", "18#####", 24, 96),
    Product("Photo lenses", "Canon", "RF 24-105mm F2.8 L IS USM Z", "6268C005", "3249.00", 2, "media", "61########", 24, 96),
    Product("Photo lenses", "Zeiss", "Milvus 2/100M", "2096-562", "1449.00", 1, "media", "51######", 24, 120),
    Product("Photo lenses", "Sigma", "105mm F2.8 DG DN Macro", "260965", "729.00", 2, "media", "55######", 36, 96),
    Product("Microphones", "Sennheiser", "MKH 416-P48 U3", "001288", "999.00", 5, "sound", "######", 24, 120),
    Product("Microphones", "RØDE", "NTG5", "NTG5KIT", "399.00", 4, "sound", "BZ#######", 24, 84),
    Product("Recorders", "Sound Devices", "MixPre-6 II", "MIXPRE-6-II", "1095.00", 3, "sound", "MB######00##", 12, 72),
    Product("Recorders", "Zoom", "F8n Pro", "F8NPRO", "1049.00", 2, "sound", "C######", 24, 72),
    Product("Wireless systems", "Sennheiser", "EW-DP ENG SET (R1-6)", "700005", "899.00", 4, "sound", "14########", 24, 72),
    Product("Headphones", "Sennheiser", "HD 25", "506909", "139.00", 6, "sound", "@@#######", 24, 48),
    Product("Lights", "Aputure", "LS 600d Pro", "APU0190A3B", "1690.00", 3, "light", "6N@#######", 12, 60),
    Product("Lights", "ARRI", "SkyPanel S60-C", "L0.0007735", "5200.00", 2, "light", "#####", 24, 84, 730),
    Product("Tripods", "Sachtler", "aktiv8 flowtech75 MS", "S2068T-FTMS", "1990.00", 4, "light", "TS####-####", 36, 120),
    Product("Tripods", "Manfrotto", "MT055XPRO3", "MT055XPRO3", "219.00", 5, "light", "F#######", 60, 96),
    Product("Gimbals", "DJI", "RS 4 Pro", "CP.RN.00000344", "869.00", 2, "light", "6SY@M##00####", 12, 48),
    Product("Cases & kits", "Pelican", "1510 Protector carry-on", "1510", "239.00", 6, "media", "PEL1510-#####", 0, 120),
    Product("Cases & kits", "Pelican", "1650 Protector", "1650", "369.00", 4, "light", "PEL1650-#####", 0, 120),
    Product("Cases & kits", "Pelican", "1535 Air carry-on", "1535AIR", "289.00", 2, "safety", "PEL1535-#####", 0, 120),
    Product("Laptops", "Lenovo", "ThinkPad T14 Gen 5", "21ML004MGE", "1398.00", 26, "computers", "PF5?????", 36, 48, None, "CPU=Core Ultra 7 155U|RAM GB=32|Disk encrypted=yes"),
    Product("Laptops", "Lenovo", "ThinkPad P16 Gen 2", "21FA000FGE", "3149.00", 6, "edit", "PF4?????", 36, 48, None, "CPU=Core i9-13980HX|RAM GB=64|Disk encrypted=yes"),
    Product("Laptops", "Apple", "MacBook Pro 14 M4 Pro", "MX2H3", "2431.00", 16, "computers", "?????#????", 12, 60, None, "CPU=M4 Pro|RAM GB=24|Disk encrypted=yes"),
    Product("Laptops", "Apple", "MacBook Air 13 M3", "MRXN3", "1299.00", 10, "office", "?????#????", 12, 60, None, "CPU=M3|RAM GB=16|Disk encrypted=yes"),
    Product("Laptops", "Dell", "Precision 5690", "P138F", "2990.00", 6, "computers", "?????#3", 36, 48, None, "CPU=Core Ultra 9 185H|RAM GB=64|Disk encrypted=yes"),
    Product("Laptops", "Panasonic", "Toughbook 40", "FZ-40ACAAXBM", "4290.00", 4, "survey", "3D@@A#####", 36, 84, None, "CPU=Core i7-1185G7|RAM GB=16|Disk encrypted=yes"),
    Product("Workstations", "Apple", "Mac Studio M2 Ultra", "MQH63", "4599.00", 3, "edit", "?????#????", 12, 60, None, "CPU=M2 Ultra|RAM GB=64|Disk encrypted=yes"),
    Product("Workstations", "HP", "Z6 G5 A", "7C1Z8AV", "5120.00", 2, "edit", "CZC#######", 36, 60, None, "CPU=Threadripper PRO 7965WX|RAM GB=128|Disk encrypted=no"),
    Product("Servers", "Dell", "PowerEdge R760", "R760", "9860.00", 4, "servers", "?????#4", 36, 84, 365, "CPU=2 × Xeon Gold 6430|RAM GB=256|Disk encrypted=yes"),
    Product("Tablets", "Apple", "iPad Air 11 M2", "MUWC3", "719.00", 9, "spare", "??????????", 12, 48),
    Product("Tablets", "Samsung", "Galaxy Tab Active5", "SM-X306B", "649.00", 7, "survey", "R5@X?######", 24, 48),
    Product("Phones", "Apple", "iPhone 15", "MTP03", "849.00", 9, "office", "??????????", 12, 36),
    Product("Phones", "Samsung", "Galaxy XCover7", "SM-G556B", "379.00", 7, "spare", "RZ@X?######", 24, 36),
    Product("Monitors", "Dell", "UltraSharp U2725QE", "U2725QE", "588.00", 14, "computers", "CN-0@@###", 36, 72),
    Product("Monitors", "EIZO", "ColorEdge CG2700S", "CG2700S", "1890.00", 3, "edit", "########", 60, 84, 365),
    Product("Projectors", "Epson", "EB-L530U laser", "V11HA27040", "1744.90", 2, "studio", "X6#@#######", 60, 72),
    Product("Printers", "Zebra", "ZD421 203 dpi", "ZD4A042-D0EM00EZ", "502.60", 4, "printers", "D4J#########", 24, 60),
    Product("Printers", "Brother", "MFC-L9670CDN", "MFCL9670CDN", "899.00", 3, "office", "E8####@#@######", 24, 60),
    Product("Network", "Cisco", "Catalyst 9200L, 24 ports", "C9200L-24P-4G-E", "2480.00", 4, "network", "JAE####????", 60, 84),
    Product("Network", "Ubiquiti", "U6 Pro access point", "U6-PRO", "159.00", 7, "network", "28704E??????", 24, 60),
    Product("Network", "Synology", "DiskStation DS1823xs+", "DS1823xs+", "1790.00", 2, "network", "22#0V#R??????", 60, 72),
    Product("Multirotors", "DJI", "Matrice 350 RTK", "M350-RTK", "9900.00", 3, "drones", "1581F6GKB##@####", 12, 48, 180),
    Product("Multirotors", "DJI", "Mavic 3 Enterprise", "M3E", "3490.00", 4, "drones", "1581F5FH###@####", 12, 36, 180),
    Product("Multirotors", "DJI", "Inspire 3", "I3", "14990.00", 1, "drones", "1581F5QCB##@####", 12, 48, 180),
    Product("Fixed wing", "AgEagle", "eBee X", "EBEE-X", "16900.00", 1, "drones", "IX-01-#####", 12, 60, 365),
    Product("Batteries", "DJI", "TB65 flight battery", "TB65", "699.00", 8, "drones", "4ER@M##00####", 12, 24),
    Product("Total stations", "Leica Geosystems", "TS07 1″ R500", "868858", "14206.00", 2, "survey", "33#####", 12, 120, 365),
    Product("Total stations", "Trimble", "S5 3″ Robotic", "S5353200", "19800.00", 1, "survey", "373#####", 12, 120, 365),
    Product("GNSS receivers", "Leica Geosystems", "GS18 T", "855166", "16900.00", 2, "survey", "36#####", 12, 96, 365),
    Product("GNSS receivers", "Trimble", "R12i", "R12I-101-60", "18900.00", 2, "survey", "61########", 12, 96, 365),
    Product("Laser scanners", "Leica Geosystems", "BLK360 G2", "6015677", "18500.00", 1, "survey", "36#####", 12, 84, 365),
    Product("Levels & lasers", "Leica Geosystems", "NA532 level", "846823", "390.00", 4, "survey", "53#####", 24, 120, 730),
    Product("Levels & lasers", "Bosch", "GLM 150-27 C", "0601072Z00", "239.00", 5, "tools", "3#####8##", 36, 72),
    Product("Levels & lasers", "Bosch", "GRL 600 CHV", "0601061F00", "899.00", 2, "survey", "3#####6##", 36, 72, 730),
    Product("Handheld GPS", "Garmin", "GPSMAP 67i", "010-02812-01", "599.00", 7, "safety", "7GS######", 24, 48),
    Product("Handheld GPS", "Garmin", "inReach Mini 2", "010-02602-02", "349.00", 9, "safety", "6XT######", 24, 48),
    Product("Microscopes", "Zeiss", "Stemi 508", "435064-9000-000", "2690.00", 2, "lab", "39########", 24, 120),
    Product("Microscopes", "Zeiss", "Primostar 3", "415501-0071-000", "1290.00", 2, "clinic", "37########", 24, 120),
    Product("Electronics", "Rigol", "DHO924S oscilloscope", "DHO924S", "1530.75", 2, "lab", "DHO9S26######", 36, 96, 365),
    Product("Electronics", "Keysight", "DSOX1204G oscilloscope", "DSOX1204G", "1890.00", 2, "lab", "CN60######", 36, 96, 365),
    Product("Electronics", "Fluke", "87V true-RMS multimeter", "FLUKE-87-5", "412.00", 6, "workshop", "61######", 36, 120, 365),
    Product("Electronics", "Fluke", "376 FC clamp meter", "FLUKE-376 FC", "429.00", 3, "workshop", "58######WS", 36, 96, 365),
    Product("Electronics", "Thorlabs", "LDC205C laser diode driver", "LDC205C", "1912.00", 1, "lab", "M00######", 24, 96, 365),
    Product("Balances", "Mettler Toledo", "MS205DU balance", "MS205DU", "5480.00", 1, "lab", "B#########", 12, 120, 365),
    Product("Sensors & loggers", "Campbell Scientific", "CR1000X data logger", "CR1000X", "1890.00", 4, "sensors", "#####", 36, 120),
    Product("Sensors & loggers", "Vaisala", "WXT536 weather transmitter", "WXT536", "2490.00", 3, "sensors", "R#######", 24, 96, 730),
    Product("Sensors & loggers", "YSI", "EXO2 multiparameter sonde", "599502-00", "7900.00", 2, "sensors", "24@######", 24, 84, 180),
    Product("Cold chain", "Vestfrost", "VLS 204A vaccine refrigerator", "VLS 204A", "2190.00", 3, "clinic", "2024#######", 24, 120, 180),
    Product("Resuscitation", "Philips", "HeartStart FRx", "861304", "1290.00", 2, "clinic", "B2#@-#####", 96, 120, 365),
    Product("Resuscitation", "ZOLL", "AED 3", "8501-001202-01", "1690.00", 3, "office", "AR24@######", 96, 120, 365),
    Product("Vans", "Volkswagen", "Transporter 6.1, 9 seats", "T6.1 Kombi", "38240.00", 2, "vehicles", "WV2ZZZ7HZNH0#####", 24, 96, 365, "Fuel=Diesel"),
    Product("Vans", "Volkswagen", "ID. Buzz Cargo", "EB21A1", "46590.00", 1, "vehicles", "WV1ZZZEBZPH0#####", 24, 96, 365, "Fuel=Electric"),
    Product("Off-road", "Toyota", "Land Cruiser 79, double cab", "VDJ79R", "61500.00", 2, "vehicles", "JTELV73J#070#####", 36, 120, 180, "Fuel=Diesel"),
    Product("Off-road", "Toyota", "Hilux 2.8, extra cab", "GUN126R", "43900.00", 2, "vehicles", "AHTFB3CD#037#####", 36, 120, 180, "Fuel=Diesel"),
    Product("Boats & engines", "Zodiac", "Pro 550", "PRO550", "19800.00", 1, "boats", "FR-XDC#####@#24", 24, 120, 365, "Fuel=Petrol"),
    Product("Boats & engines", "Yamaha", "F100 outboard", "F100FETL", "9990.00", 2, "boats", "6FP@-10#####", 36, 120, 180, "Fuel=Petrol"),
    Product("Snowmobiles", "Lynx", "69 Ranger 900 ACE", "FTRA", "15900.00", 1, "boats", "YH2LR#RX#RR00####", 24, 96, 180),
    Product("Drilling", "Hilti", "TE 30-A36 rotary hammer", "TE 30-A36", "886.20", 3, "tools", "0########", 24, 84, 365),
    Product("Drilling", "Bosch", "GBH 18V-26 F", "0611910000", "389.00", 4, "tools", "2#####1##", 36, 60),
    Product("Drilling", "Makita", "DHR183Z", "DHR183Z", "229.00", 4, "tools", "#######@", 36, 60),
    Product("Drilling", "Makita", "DDF486RTJ", "DDF486RTJ", "459.00", 5, "tools", "#######@", 36, 60),
    Product("Cutting", "Makita", "DGA513Z grinder", "DGA513Z", "219.00", 3, "tools", "#######@", 36, 60),
    Product("Cutting", "Makita", "DUC407Z chainsaw", "DUC407Z", "299.00", 2, "tools", "#######@", 36, 60, 365),
    Product("Measuring", "Hazet", "6122-1CT torque wrench", "6122-1CT", "214.90", 2, "workshop", "2#######", 24, 120, 365),
    Product("Generators", "Honda", "EU22i", "EU22ITG", "1299.00", 3, "power", "EAMT-1######", 24, 120, 180),
    Product("Power stations", "EcoFlow", "DELTA Pro", "EFDELTAPro-EU", "2999.00", 4, "power", "DCEBZ8ZE########", 60, 84),
    Product("Batteries", "Sony", "NP-FZ100", "NP-FZ100", "79.00", 4, "media", "FZ########", 12, 36),
    Product("Radios", "Motorola", "DP4801e", "MDH56RDN9RA1AN", "529.00", 8, "safety", "752T@@####", 24, 84),
    Product("Radios", "Icom", "IC-M94D", "IC-M94D", "349.00", 4, "boats", "2500####", 36, 84),
    Product("Satellite phones", "Iridium", "Extreme 9575", "9575", "1390.00", 4, "safety", "30012506#######", 12, 72),
    Product("Climbing", "Petzl", "ASTRO BOD FAST harness", "C083BA01", "339.00", 6, "safety", "23@##########", 36, 120, 365),
    Product("Avalanche", "Mammut", "Barryvox S", "2620-00090", "379.00", 5, "safety", "B3####??", 60, 60, 365),
)  # fmt: skip
KITS = (
    Kit("documentary kit A", "1510", ("ILME-FX3", "SEL2470GM2", "NP-FZ100", "NP-FZ100"), "Film unit", "kits"),
    Kit("documentary kit B", "1510", ("ILME-FX3", "SEL70200GM2", "NP-FZ100", "NP-FZ100"), "Film unit", "kits"),
    Kit("run-and-gun kit", "1510", ("ILME-FX6V", "SEL2470GM2", "MIXPRE-6-II", "001288"), "Film unit", "kits"),
    Kit("interview kit", "1650", ("5095C007", "6268C005", "700005", "506909"), "Film unit", "kits"),
    Kit("sound bag 1", "1535AIR", ("MIXPRE-6-II", "001288", "700005", "506909"), "Sound & light", "sound"),
    Kit("sound bag 2", "1535AIR", ("F8NPRO", "NTG5KIT", "506909"), "Sound & light", "sound"),
    Kit("Matrice set", "1650", ("M350-RTK", "TB65", "TB65", "TB65", "TB65"), "Drones", "drones"),
    Kit("Mavic set", "1510", ("M3E",), "Drones", "drones"),
    Kit("total station set", "1650", ("868858", "SM-X306B"), "Survey & mapping", "kits"),
    Kit("GNSS rover set", "1650", ("855166", "SM-X306B"), "Survey & mapping", "kits"),
    Kit("glacier safety set", "1535AIR", ("2620-00090", "2620-00090", "010-02602-02", "9575"), "Drones", "kits"),
)
