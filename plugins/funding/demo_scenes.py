"""The demo's campaigns: who wants what, how far it has come, and with which rewards; amounts in cents."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scene:
    """One campaign; it went live `ago` days before today and runs for `days`. `reach` is the share of the goal in per cent
    that its backers pledged. `rewards` are (title, text, least amount, stock)."""

    owner: str
    category: str
    title: str
    summary: str
    story: str
    goal: int
    days: int
    ago: float
    reach: int
    motif: str
    alt: str
    rewards: tuple[tuple[str, str, int, int | None], ...] = ()
    updates: tuple[tuple[str, str], ...] = ()
    draft: bool = False
    payee: bool = False


STEWARD = (("Een bedankje", "Jouw naam op het bord bij de ingang.", 1000, None),)
THANKS = (("A thank-you", "Your name on the board by the door.", 1000, None),)

SCENES = (
    Scene("maud", "garden", "Een moestuin achter de bibliotheek", "Groenten kweken met veertig buren, midden in de wijk.",
          "Achter de bibliotheek ligt een veldje waar niemand komt. Wij maken er **achttien bakken** van, met een waterton en een "
          "schuurtje voor het gereedschap. De bibliotheek geeft ons de grond voor tien jaar.\n\n## Wat we kopen\n\n- hout voor de "
          "bakken\n- twaalf kuub aarde\n- een pomp en een ton\n\nDe eerste sla eten we samen.", 250000, 30, 19, 74, "plant",
          "Jonge planten in een houten bak", (*STEWARD, ("Een eigen bak", "Een jaar lang een bak van twee vierkante meter.", 7500, 18),
          ("Oogstdiner", "Twee plaatsen aan de lange tafel in september.", 4000, 40)),
          (("De grond is van ons", "De handtekening staat! Volgende week meten we de bakken uit."),)),
    Scene("daan", "energy", "Solar roof for the community centre", "Ninety panels that pay for the heating of the hall.",
          "Our hall costs nine thousand euros a year to heat, money that used to go to choirs, chess and homework clubs. Ninety panels "
          "on the flat roof bring that down to almost nothing. The installer lives around the corner and works at cost.\n\nWe publish "
          "the meter every month, so that you can see what your money does.", 400000, 28, 25.2, 108, "sun", "A solar panel in the sun",
          (*THANKS, ("Your name on a panel", "Engraved, with the year.", 10000, 30), ("Tour of the roof", "With coffee and a helmet.", 2500, 25))),
    Scene("ines", "bikes", "Tien bakfietsen voor de straat", "Een vloot die elk huishouden per uur kan lenen.",
          "Wie verhuist, klust of drie kinderen naar zwemles brengt heeft even een bakfiets nodig, en de rest van de week niet. We kopen er "
          "tien, zetten ze op vijf hoeken, en delen ze via deze site.\n\nVerzekering en onderhoud betalen we uit de verhuur.", 1800000, 45,
          20.5, 34, "bike", "Een bakfiets op een pad", (*STEWARD, ("Tien ritten", "Een strippenkaart voor je eerste tien uur.", 5000, 100),
          ("Jouw naam op een fiets", "Wij zorgen voor nette letters.", 25000, 10))),
    Scene("kofi", "food", "A street kitchen that feeds the market", "One cart, six burners and a recipe a week from a different neighbour.",
          "Every Saturday a neighbour cooks the dish of their childhood for the market. The cart belongs to all of us; whoever cooks keeps "
          "what they earn that day. We have the permit, the recipes and the appetite. The cart is missing.", 320000, 21, 18.6, 91, "pot",
          "A steaming pot", (("First plate", "The first plate of the first Saturday.", 1500, 60), ("Cook for a day", "Your recipe, our burners.",
          12000, 8), *THANKS), (("Permit granted", "The city said yes. Saturdays from nine to five."),)),
    Scene("joris", "culture", "Buitenbioscoop op het dak", "Vijf zomeravonden film, met uitzicht over het IJ.",
          "De parkeergarage staat 's avonds leeg, en heeft het mooiste dak van Noord. Wij huren een scherm, dertig hangmatten en stille "
          "koptelefoons voor de buren beneden. De films kiezen we samen.", 150000, 30, 28.4, 66, "screen", "Een filmscherm met lampjes",
          (("Kaartje", "Eén avond naar keuze.", 1250, 300), ("Passe-partout", "Alle vijf de avonden, met hangmat.", 5000, 30))),
    Scene("bas", "learning", "Een boot die kinderen zelf bouwen", "Zestien kinderen, één winter, één zeilboot.",
          "Elke woensdagmiddag bouwen kinderen van tien tot veertien aan een houten zeilboot. Ze leren zagen, rekenen en samenwerken, en in "
          "mei leren ze zeilen. Hout en begeleiding kosten geld, de rest doen wij.", 220000, 40, 6, 22, "boat", "Een zeilboot op het water",
          (*STEWARD, ("Naam van de boot", "Stem mee over de naam.", 2500, None), ("Proefvaart", "Een middag mee op het water.", 7500, 12))),
    Scene("amira", "crafts", "Repair café: tools for good", "A proper bench, irons, meters and a sewing corner for Tuesdays.",
          "We mend two hundred things a month with borrowed tools. With our own bench, soldering irons, meters and two sewing machines we "
          "can double that, and teach while we mend. Everything broken is welcome, also hearts.", 90000, 30, 62, 118, "tools", "Tools on a wall",
          (*THANKS, ("Skip the queue", "Bring something broken, any Tuesday.", 2000, 50)),
          (("We made it!", "Thank you, all of you. The bench arrives on Monday."), ("First hundred", "A toaster was number one hundred.")),
          payee=True),
    Scene("yara", "party", "Straatfeest met een echt podium", "Muziek van buren voor buren, op een podium dat blijft.",
          "Elk jaar lenen we een wiebelig podium. Dit jaar bouwen we er zelf een, in delen die in één garage passen. Iedere straat in de "
          "buurt mag het daarna gebruiken.", 120000, 21, 50, 104, "party", "Lampjes boven de straat",
          (*STEWARD, ("Speeltijd", "Een kwartier op het podium voor jou.", 3500, 16)), payee=True),
    Scene("tom", "tools", "Shared workshop: the big saw", "A panel saw and dust extraction, for everybody who makes things.",
          "Forty members share my workshop now and queue for a saw that is older than I am. The new one is safe, quiet and fits behind the "
          "door. Members pay by the hour, so that the next one pays for itself.", 450000, 30, 41, 58, "tools", "Tools hanging in a row",
          (*THANKS, ("Four hours of saw", "Use them within a year.", 6000, 40))),
    Scene("mila", "art", "Fotoboek van alle voortuinen", "Tweehonderd tuinen, één boek, geen enkele tuindwerg weggelaten.",
          "Een jaar lang fotografeerde ik elke voortuin in de wijk, met wie er woont als die wilde. Het boek is klaar. De drukker rekent voor "
          "driehonderd stuks een eerlijke prijs.", 300000, 30, 75, 41, "house", "Huizen op een rij",
          (("Het boek", "Gesigneerd, thuisgebracht op de fiets.", 3500, 300), ("Afdruk", "Een afdruk van je eigen tuin.", 6000, 50))),
    Scene("eline", "learning", "Huiswerkclub in de oude winkel", "Rust, licht en hulp, drie middagen per week.",
          "De winkel op de hoek staat leeg en de eigenaar leent hem ons een jaar. Wij zorgen voor tafels, lampen en vijf vrijwilligers. "
          "Kinderen komen wanneer ze willen; soep is er altijd.", 180000, 35, 12, 83, "books", "Boeken op een plank",
          (*STEWARD, ("Adopteer een tafel", "Met jouw naam eronder.", 9000, 12)),
          (("De sleutel", "We hebben de sleutel! Zaterdag schilderen we, kom je ook?"),)),
    Scene("peter", "music", "A piano for the station hall", "Everybody may play; we keep it in tune.",
          "The station has room, a roof and two thousand listeners an hour. The piano is bought; moving, tuning twice a year and a cover "
          "against coffee are what we ask for.", 60000, 14, 17.4, 131, "guitar", "A guitar against a wall",
          (*THANKS, ("First song", "Play at the opening.", 2500, 10))),
    Scene("noor", "sport", "Een roeiboot voor de hele kade", "Vroeg op, samen roeien, op tijd op het werk.",
          "Twintig buren willen roeien voor het werk. Een tweedehands vier-met is te koop, met riemen. Wij zoeken het laatste geld.",
          140000, 30, 0.4, 6, "boat", "Een boot op het water", (*STEWARD, ("Proefles", "Om zes uur 's ochtends, met koffie.", 2000, 20))),
    Scene("hugo", "community", "Een bank om op te wachten", "Bij de bushalte staat niets om op te zitten.",
          "Ik ben zeventig en de bus komt om het halfuur. Een goede bank kost minder dan je denkt.", 45000, 20, 0, 0, "bench",
          "Een bank om op te zitten", (), draft=True),
)  # fmt: skip
