"""The pages' words in Dutch; the English text is the key."""

from marketplace.sandbox.words_desk import DESK

DUTCH = {
    **DESK,
    "Test bank: no money is real": "Testbank: geen geld is echt",
    "Save a card": "Kaart bewaren",
    "Pay": "Betalen",
    "Pay %(amount)s": "%(amount)s betalen",
    "Your card is saved now and charged later, when you agreed to it.": (
        "Je kaart wordt nu bewaard en pas later belast, zoals je hebt afgesproken."
    ),
    "Card number": "Kaartnummer",
    "Expiry date (MM/YY)": "Vervaldatum (MM/JJ)",
    "Security code (CVC)": "Beveiligingscode (CVC)",
    "Name on the card": "Naam op de kaart",
    "E-mail": "E-mail",
    "Back": "Terug",
    "Test cards": "Testkaarten",
    "Only test cards work here. Each button fills in one and submits it.": (
        "Hier werken alleen testkaarten. Elke knop vult er een in en verstuurt die."
    ),
    "Succeeds": "Slaagt",
    "Is declined": "Wordt geweigerd",
    "Insufficient funds": "Onvoldoende saldo",
    "Has expired": "Is verlopen",
    "Asks for 3-D Secure now, not later": "Vraagt nu om 3-D Secure, later niet",
    "Asks for 3-D Secure every time": "Vraagt elke keer om 3-D Secure",
    "Can be saved, is declined when charged": "Kan bewaard worden, wordt bij belasten geweigerd",
    "Is disputed after the payment": "Wordt na de betaling betwist",
    "Enter the card number.": "Vul het kaartnummer in.",
    "This card number is not right.": "Dit kaartnummer klopt niet.",
    "Only test cards work here: choose one below.": "Hier werken alleen testkaarten: kies er hieronder een.",
    "Enter the expiry date as month and year, for example 12/34.": (
        "Vul de vervaldatum in als maand en jaar, bijvoorbeeld 12/34."
    ),
    "This card has expired.": "Deze kaart is verlopen.",
    "Enter the three or four figures.": "Vul de drie of vier cijfers in.",
    "Enter the name on the card.": "Vul de naam op de kaart in.",
    "This page is finished": "Deze pagina is klaar",
    "The payment is done.": "De betaling is gedaan.",
    "The card is saved.": "De kaart is bewaard.",
    "This page has expired. Go back and start again.": "Deze pagina is verlopen. Ga terug en begin opnieuw.",
    "Continue": "Verder",
    "Confirm it is you": "Bevestig dat jij het bent",
    "Your bank wants to know that it is you. This page stands for your bank's.": (
        "Je bank wil weten dat jij het bent. Deze pagina staat voor die van je bank."
    ),
    "Card": "Kaart",
    "Amount": "Bedrag",
    "It is me": "Ik ben het",
    "Refuse": "Weigeren",
    "This question was answered already.": "Deze vraag is al beantwoord.",
    "You can close this page.": "Je kunt deze pagina sluiten.",
    "Get paid": "Uitbetaald worden",
    "Tell the test bank who is paid and where. Nothing is checked; all answers are kept only here.": (
        "Vertel de testbank wie er betaald wordt en waar. Niets wordt gecontroleerd; antwoorden blijven alleen hier."
    ),
    "Who is paid?": "Wie wordt er betaald?",
    "A person": "Een persoon",
    "A company": "Een bedrijf",
    "An association or foundation": "Een vereniging of stichting",
    "Bank account (IBAN)": "Bankrekening (IBAN)",
    "A test account: %(iban)s. One that ends in 3001 refuses every pay-out, such as %(refuses)s.": (
        "Een testrekening: %(iban)s. Een die op 3001 eindigt weigert elke uitbetaling, zoals %(refuses)s."
    ),
    "Leave a question open, so that the account stays restricted": (
        "Laat een vraag open, zodat het account beperkt blijft"
    ),
    "Choose one.": "Kies er een.",
    "This IBAN is not right.": "Deze IBAN klopt niet.",
    "Submit": "Versturen",
    "Account": "Account",
    "Available": "Beschikbaar",
    "Pending": "Onderweg",
    "Pay-outs": "Uitbetalingen",
    "Not found": "Niet gevonden",
    "There is nothing at this address.": "Op dit adres is niets.",
    "Clock": "Klok",
    "The bank's time": "De tijd van de bank",
    "Move forward": "Vooruit zetten",
    "30 days": "30 dagen",
    "Payments": "Betalingen",
    "Customers": "Klanten",
    "Disputes": "Betwistingen",
    "Webhooks": "Webhooks",
    "Faults": "Storingen",
    "Balance": "Saldo",
    "None yet.": "Nog geen.",
    "Dispute": "Betwisten",
    "Won": "Gewonnen",
    "Lost": "Verloren",
    "Let it fail": "Laat mislukken",
    "Let it expire": "Laat verlopen",
    "Restrict": "Beperken",
    "Lift": "Opheffen",
    "Send again": "Opnieuw sturen",
    "Operation": "Bewerking",
    "Kind": "Soort",
    "Times": "Aantal keer",
    "Seconds": "Seconden",
    "Status": "Status",
    "When": "Wanneer",
    "What": "Wat",
    "Id": "Id",
    "Action": "Actie",
    "Answer": "Antwoord",
    "Attempts": "Pogingen",
    "Name": "Naam",
    "Your card was declined.": "Je kaart is geweigerd.",
    "Your card has insufficient funds.": "Er staat niet genoeg saldo op je kaart.",
    "Your card has expired.": "Je kaart is verlopen.",
    "Your card's security code is incorrect.": "De beveiligingscode van je kaart klopt niet.",
    "The card was not authenticated; choose another way to pay.": (
        "De kaart is niet bevestigd; kies een andere manier om te betalen."
    ),
    "The payment was not authenticated; choose another way to pay.": (
        "De betaling is niet bevestigd; kies een andere manier om te betalen."
    ),
    "Save a bank account": "Bankrekening bewaren",
    "Your account is debited later, when you agreed to it.": (
        "Het geld wordt later van je rekening afgeschreven, zoals je hebt afgesproken."
    ),
    "Your bank": "Je bank",
    "Pay with iDEAL": "Betalen met iDEAL",
    "Choose your bank.": "Kies je bank.",
    "Account number (IBAN)": "Rekeningnummer (IBAN)",
    "Name of the account's holder": "Naam van de rekeninghouder",
    "By going on you allow us to debit this account. You can ask your bank for the money back for eight weeks.": (
        "Door verder te gaan machtig je ons om van deze rekening af te schrijven."
        " Je kunt het geld acht weken lang via je bank terugvragen."
    ),
    "Go on": "Verder",
    "Test accounts": "Testrekeningen",
    "Only test accounts work here. Each button fills in one and submits it.": (
        "Hier werken alleen testrekeningen. Elke knop vult er een in en verstuurt die."
    ),
    "Only test accounts work here: choose one below.": "Hier werken alleen testrekeningen: kies er hieronder een.",
    "Enter the account number (IBAN).": "Vul het rekeningnummer (IBAN) in.",
    "This page stands for your bank's. What should it do?": (
        "Deze pagina staat voor die van je bank. Wat moet de bank doen?"
    ),
    "Pay, but let it take three minutes": "Betalen, maar laat het drie minuten duren",
    "Refuse after three minutes": "Na drie minuten weigeren",
    "Succeeds after three minutes": "Slaagt na drie minuten",
    "Is refused by the bank": "Wordt door de bank geweigerd",
    "Is refused after three minutes": "Wordt na drie minuten geweigerd",
}
