"""The words of the pages on which a person plays bank, in Dutch; the English text is the key."""

DESK = {
    "%(count)s things fall due": "%(count)s dingen staan te gebeuren",
    "1 minute": "1 minuut",
    "1 hour": "1 uur",
    "1 day": "1 dag",
    "1 week": "1 week",
    "30 days": "30 dagen",
    "429: try again later.": "429: probeer het later opnieuw.",
    "500, although all was done.": "500, hoewel alles is gebeurd.",
    "500, and nothing was done.": "500, en er is niets gebeurd.",
    "A dispute begins at a payment: choose one and dispute it.": (
        "Een betwisting begint bij een betaling: kies er een en betwist die."
    ),
    "About": "Waarover",
    "Accounts": "Rekeninghouders",
    "Address": "Adres",
    "Amount in cents (empty: all)": "Bedrag in centen (leeg: alles)",
    "Answer until": "Antwoord tot",
    "Answers get lost": "Antwoorden raken kwijt",
    "As the API shows it": "Zoals de API het toont",
    "Ask first": "Eerst vragen",
    "Ask for a document": "Om een document vragen",
    "Begin again": "Opnieuw beginnen",
    "Belongs to it": "Hoort erbij",
    "Chance": "Kans",
    "Decide them": "Beslissen",
    "Delivered, taken for lost, sent again.": "Bezorgd, voor verloren gehouden, opnieuw verstuurd.",
    "Description": "Omschrijving",
    "Dispute this charge": "Deze afschrijving betwisten",
    "Done.": "Gedaan.",
    "Email": "E-mail",
    "Errors after the work": "Fouten na het werk",
    "Errors before the work": "Fouten voor het werk",
    "Event": "Gebeurtenis",
    "Every answer takes a second longer.": "Elk antwoord duurt een seconde langer.",
    "Every event is sent two times.": "Elke gebeurtenis wordt twee keer verstuurd.",
    "Every event waits a minute.": "Elke gebeurtenis wacht een minuut.",
    "Evidence": "Bewijs",
    "Exactly this one": "Precies deze",
    "Failure message": "Foutmelding",
    "Faults switched on": "Storingen aan",
    "Find": "Zoeken",
    "Find by id or e-mail": "Zoek op id of e-mail",
    "For": "Voor",
    "Forged webhooks": "Vervalste webhooks",
    "Forget everything": "Alles vergeten",
    "Forgets every customer, payment and account, and goes back to real time."
    " The marketplace does not know of that and will miss them.": (
        "Vergeet elke klant, betaling en rekeninghouder en gaat terug naar de echte tijd."
        " De marktplaats weet daar niet van en zal ze missen."
    ),
    "Here you are the bank, the cardholder and the network."
    " The marketplace must cope with whatever you do; no money is real.": (
        "Hier ben jij de bank, de kaarthouder en het netwerk."
        " De marktplaats moet alles aankunnen wat je doet; geen geld is echt."
    ),
    "Hold for an hour": "Een uur vasthouden",
    "Hold or send": "Vasthouden of versturen",
    "Later events overtake earlier ones.": "Latere gebeurtenissen halen eerdere in.",
    "Let it leave": "Laten vertrekken",
    "Let it rest": "Laten rusten",
    "Move the bank's clock: balances become available, holds end, pay-outs arrive, disputes run out."
    " It cannot go back.": (
        "Zet de klok van de bank vooruit: saldi komen vrij, reserveringen eindigen, uitbetalingen komen aan,"
        " betwistingen lopen af. Terug kan niet."
    ),
    "Name": "Naam",
    "Networks lose answers and banks have bad days."
    " Switch a fault on, use the marketplace, and see that its books stay right.": (
        "Netwerken verliezen antwoorden en banken hebben slechte dagen."
        " Zet een storing aan, gebruik de marktplaats en zie dat de boeken blijven kloppen."
    ),
    "Never send": "Nooit versturen",
    "Newest first": "Nieuwste eerst",
    "Older": "Ouder",
    "Only ask, take nothing yet": "Alleen vragen, nog niets terughalen",
    "Overview": "Overzicht",
    "Play bank": "Bankje spelen",
    "Reason": "Reden",
    "Refunded": "Terugbetaald",
    "Saved cards and accounts": "Bewaarde kaarten en rekeningen",
    "Sections": "Onderdelen",
    "See them": "Bekijken",
    "Send now": "Nu versturen",
    "Slow answers": "Trage antwoorden",
    "Somebody else sends events too, with a wrong signature.": (
        "Iemand anders stuurt ook gebeurtenissen, met een verkeerde handtekening."
    ),
    "Switch": "Schakelen",
    "Switch all off": "Alles uitzetten",
    "Switch off": "Uitzetten",
    "Switch on": "Aanzetten",
    "Switched on now": "Nu aan",
    "Take back": "Terugnemen",
    "Take the money": "Het geld terughalen",
    "Test bank": "Testbank",
    "That was not possible": "Dat kon niet",
    "The first try gets lost, the next comes later.": "De eerste poging raakt kwijt, de volgende komt later.",
    "The marketplace": "De marktplaats",
    "The owners who are paid. A restricted account gets no transfers until the restriction is lifted.": (
        "De eigenaren die betaald worden. Een beperkte rekening krijgt niets tot de beperking is opgeheven."
    ),
    "The work is done, the answer never arrives.": "Het werk is gedaan, het antwoord komt nooit aan.",
    "Times (0: always)": "Keren (0: altijd)",
    "Too many requests": "Te veel verzoeken",
    "Webhooks late": "Webhooks te laat",
    "Webhooks lost at first": "Webhooks eerst kwijt",
    "Webhooks out of order": "Webhooks door elkaar",
    "Webhooks twice": "Webhooks dubbel",
    "Webhooks unheard": "Webhooks niet gehoord",
    "Webhooks waiting": "Wachtende webhooks",
    "What happened": "Wat er gebeurde",
    "What happened last": "Wat het laatst gebeurde",
    "Where events go": "Waar gebeurtenissen heen gaan",
    "Whose": "Van wie",
    "Whose events": "Wiens gebeurtenissen",
    "always": "altijd",
    "connected accounts": "rekeninghouders",
    "given": "gegeven",
    "left": "vertrokken",
    "refunded": "terugbetaald",
    "the marketplace": "de marktplaats",
    "the next at %(at)s UTC": "het volgende om %(at)s UTC",
}
