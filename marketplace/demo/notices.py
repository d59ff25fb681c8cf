"""What the demo's members put on the notice board: owner, category, title, text, price in cents with its unit, picture."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice; `days` ago it was published, `state` is what became of it since."""

    owner: str
    category: str
    title: str
    text: str
    days: int
    price: int | None = None
    unit: str | None = None
    motif: str = ""
    alt: str = ""
    state: str = "published"


NOTICES = (
    Notice("fenna", "bikes", "Bakfiets voor drie kinderen", "Een stevige bakfiets met regentent en drie gordels. Rijdt licht, "
           "remt goed. Je haalt hem op bij ons in de straat; ik laat even zien hoe het slot werkt.", 3, 1800, "day", "bike",
           "Een bakfiets voor een rij huizen"),
    Notice("ruben", "tools", "Bosch hammer drill with all the bits", "Drills through concrete without complaint. Comes in its case "
           "with ten bits, a depth stop and my promise to help if you get stuck.", 5, 600, "day", "drill", "A drill in its case"),
    Notice("sanne", "outdoors", "Familietent voor vijf personen", "Vorig jaar nieuw, twee zomers gebruikt, altijd droog opgeborgen. "
           "Grondzeil en haringen zitten erbij. Opzetten lukt met z'n tweeën in een kwartier.", 8, 1500, "day", "tent",
           "Een groene tent onder de avondlucht"),
    Notice("amira", "crafts", "Sewing machine and a full sewing box", "A Bernina that forgives beginners. Needles, bobbins and forty "
           "colours of thread included. I can show you the first steps on Tuesday evening.", 10, 500, "day", "spool",
           "Spools of thread in a row"),
    Notice("joris", "electronics", "Full HD beamer met scherm", "Genoeg licht voor een filmavond in de tuin zodra het schemert. Het "
           "scherm is drie meter breed en staat op poten. HDMI-kabel van tien meter erbij.", 12, 1200, "day", "screen",
           "Een filmscherm in een tuin met lampjes"),
    Notice("lotte", "books", "Book club box: twelve copies", "Twelve copies of one novel, different every month, with questions for "
           "the evening and a tin of biscuits. Bring the box back, keep the biscuits.", 4, 0, "once", "books", "A stack of books"),
    Notice("daan", "energy", "Solar panel for camping", "Sixty watts, folds into a briefcase and keeps two phones and a fridge box "
           "alive. With cables for everything that I could think of.", 15, 900, "day", "sun", "A sun above a solar panel"),
    Notice("maud", "garden", "Tuingereedschap in één kist", "Schep, hark, schoffel, snoeischaar en een kruiwagen. Alles geslepen in "
           "het voorjaar. Handig als je voor het eerst een moestuin begint.", 18, 700, "day", "plant", "Jonge planten in een rij"),
    Notice("kofi", "kitchen", "Two thirty-litre pots and a burner", "For jollof, soup or a street party. The burner takes any gas "
           "bottle. I deliver if you invite me.", 20, 1000, "day", "pot", "A big pot on a fire"),
    Notice("eline", "learning", "Bijles rekenen voor groep 7 en 8", "Op woensdagmiddag help ik aan onze keukentafel met breuken, "
           "procenten en moed. Niemand hoeft te betalen; een taartje mag.", 22, 0, "hour", "house", "Een huis met een verlicht raam"),
    Notice("tom", "tools", "Workbench and table saw by the hour", "My workshop behind the mosque has a table saw, a planer and good "
           "coffee. You work, I keep an eye on your fingers.", 25, 1250, "hour", "tools", "Tools hanging on a wall"),
    Notice("yara", "party", "Partytent, slingers en lampjes", "Een tent van drie bij zes, vijftig meter slingers en genoeg lampjes "
           "voor de hele straat. Wij gebruiken het één keer per jaar, jij de rest.", 2, 2500, "day", "party", "Lampjes boven een straat"),
    Notice("peter", "music", "Acoustic guitar for a beginner", "Nylon strings, easy on the fingers, stays in tune if you do. Borrow it "
           "for a month before you decide to buy your own.", 30, 1500, "week", "guitar", "A guitar against a wall"),
    Notice("noor", "sport", "Twee sup-boards met peddels", "Opblaasbaar, met pomp en reddingsvesten. Vanaf de steiger bij ons lig je "
           "in vijf minuten op het water.", 6, 2000, "day", "boat", "Een plank op het water"),
    Notice("sam", "home", "Moving boxes, forty of them", "Used once, flat again, free for whoever moves next. Please pass them on.", 1,
           0, "once", "boxes", "A pile of boxes"),
    Notice("ines", "help", "Ik teken je verbouwing op schaal", "Een avond meten, een avond tekenen. Je krijgt een plattegrond waar de "
           "aannemer blij van wordt. Tegen een goede maaltijd.", 35, None, None, "house", "Een getekend huis"),
    Notice("bas", "transport", "Boat trailer up to 750 kg", "Galvanised, with a winch. The tyres are new, the rust is not. Needs a car "
           "with a hook.", 40, 2200, "day", "boat", "A boat on the water"),
    Notice("mila", "art", "Portretten in je eigen tuin", "Een uur fotograferen in het licht van de middag. Je krijgt tien bewerkte "
           "foto's, ook op groot formaat.", 14, 4500, "once", "camera", "Een camera"),
    Notice("hugo", "help", "Fietsband plakken, ook op zondag", "Ik heb tijd, lijm en geduld. Kom langs met je fiets, dan leer je het "
           "meteen zelf.", 9, 0, "once", "bike", "Een fiets op een helling"),
    Notice("aisha", "food", "Leren injera bakken", "Op zaterdag maken we samen deeg, stoofpot en te veel. Neem bakjes mee voor wat "
           "overblijft.", 7, 750, "piece", "pot", "Een pan boven het vuur"),
    Notice("willem", "outdoors", "Pressure cleaner for the terrace", "Cleans twenty square metres in an hour and wets only your shoes. "
           "With a brush for the corners.", 45, 800, "day", "house", "A house in the morning"),
    Notice("jin", "games", "Shelf of ninety board games", "Choose by mood: long, loud, thoughtful or fit for grandparents. I explain "
           "the rules at the door in three minutes.", 11, 300, "week", "books", "Coloured boxes on a shelf"),
    Notice("carla", "animals", "Oppas voor je kat", "Ik kom twee keer per dag langs, geef eten, speel even en stuur een foto. Alleen "
           "in Bos en Lommer.", 13, 600, "day", "house", "Een huis met een kat in het raam"),
    Notice("fenna", "kids", "Kinderzitje en fietshelm", "Voor achterop, van negen tot tweeëntwintig kilo. Het helmpje past bij een "
           "kleuter.", 16, 0, "week", "bike", "Een fiets met een zitje"),
    Notice("ruben", "household", "Behangtafel en stoomapparaat", "Oud behang eraf in een middag. Ik heb nog een rol plastic voor de "
           "vloer die je mag opmaken.", 28, 500, "day", "tools", "Gereedschap aan de muur"),
    Notice("lotte", "culture", "Museum card for an afternoon", "Mine is personal, but I gladly take a neighbour along as a guest on "
           "Thursdays. Coffee is on you.", 19, 0, "once", "frame", "A painting in its frame"),
    Notice("kofi", "spaces", "Kitchen of the community centre", "Six burners, two ovens and a dishwasher that sings. Free on weekday "
           "mornings; leave it as you would want to find it.", 33, 1500, "hour", "pot", "A steaming pot"),
    Notice("maud", "nature", "Zaden ruilen", "Ik heb tomaten, bonen, goudsbloem en komkommer over. Ruil ze voor wat jij hebt, of haal "
           "gewoon een zakje.", 5, 0, "piece", "plant", "Zaailingen in het licht"),
    Notice("tom", "community", "Hulp gezocht: bankje voor de straat", "Wie zaagt, wie schuurt, wie brengt soep? Zaterdag bouwen we een "
           "bank voor voor het hofje.", 4, None, None, "bench", "Een bank om op te zitten"),
    Notice("peter", "music", "Cello, on loan to a patient person", "Three-quarter size, with a soft case. For someone who takes lessons "
           "and has thick walls.", 50, 2500, "week", "guitar", "A string instrument"),
    Notice("joris", "tools", "Ladder van zes meter", "Uitschuifbaar, stevig, past net niet in een auto. Ophalen met z'n tweeën.", 60, 400,
           "day", "ladder", "Een ladder tegen de muur", "closed"),
    Notice("bas", "electronics", "Oude scheepsradio", "Werkt, kraakt, ontvangt weerberichten. Nog even over nadenken of ik hem echt "
           "kwijt wil.", 2, 3000, "once", "boat", "", "draft"),
)  # fmt: skip
