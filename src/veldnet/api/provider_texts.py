"""Why signing in with an identity provider failed, in a sentence."""

from __future__ import annotations

from veldnet.texts import Language

_TEXTS: dict[Language, dict[str, str]] = {
    "en": {
        "title": "Signing in failed",
        "back": "Back to sign-in",
        "unreachable": "The identity provider did not answer as it should. Try again later, or tell your "
        "operator.",
        "redirected": "The identity provider tried to redirect the server elsewhere, which is not allowed.",
        "too_large": "The answer of the identity provider is too large or was cut off.",
        "not_understood": "The answer of the identity provider could not be understood.",
        "wrong_issuer": "The answer comes from another identity provider than the one you chose.",
        "endpoint": "The identity provider names an address that is not secure.",
        "denied": "The identity provider did not confirm the sign-in.",
        "state": "This sign-in was not begun in this browser, or took too long. Start again.",
        "refused": "The identity provider refused the code. Start again.",
        "no_token": "The identity provider did not say who you are (no ID token).",
        "algorithm": "The identity provider's token is not signed with an accepted algorithm.",
        "signature": "The signature of the identity provider's token is not valid.",
        "wrong_audience": "The identity provider's token is meant for another application.",
        "wrong_nonce": "The identity provider's token belongs to another sign-in.",
        "expired": "The identity provider's token has expired, or its clock is wrong.",
        "no_subject": "The identity provider's token names nobody.",
        "unknown": "You have no account here for this identity. Sign in with your password and link it under "
        "Account, or ask an administrator for an invitation.",
        "suspended": "Your account here is suspended. Ask your administrator.",
        "no_role": "The identity provider gives you no role here. Ask your administrator.",
        "name_taken": "There is a user with your name already. Sign in with its password and link this "
        "identity under Account.",
        "link": "Your session has ended. Sign in and link the identity again.",
        "linked": "This identity is linked to a user already.",
    },
    "nl": {
        "title": "Aanmelden mislukt",
        "back": "Terug naar aanmelden",
        "unreachable": "De identiteitsprovider gaf geen bruikbaar antwoord. Probeer het later opnieuw of "
        "meld het aan uw operator.",
        "redirected": "De identiteitsprovider wilde de server doorverwijzen. Dat is niet toegestaan.",
        "too_large": "Het antwoord van de identiteitsprovider is te groot of werd afgebroken.",
        "not_understood": "Het antwoord van de identiteitsprovider is niet te begrijpen.",
        "wrong_issuer": "Het antwoord komt van een andere identiteitsprovider dan die u koos.",
        "endpoint": "De identiteitsprovider noemt een adres dat niet veilig is.",
        "denied": "De identiteitsprovider heeft het aanmelden niet bevestigd.",
        "state": "Dit aanmelden is niet in deze browser begonnen of duurde te lang. Begin opnieuw.",
        "refused": "De identiteitsprovider weigerde de code. Begin opnieuw.",
        "no_token": "De identiteitsprovider heeft niet gezegd wie u bent (geen ID-token).",
        "algorithm": "Het token van de identiteitsprovider is niet met een toegestaan algoritme ondertekend.",
        "signature": "De handtekening van het token van de identiteitsprovider is ongeldig.",
        "wrong_audience": "Het token van de identiteitsprovider is voor een andere toepassing bedoeld.",
        "wrong_nonce": "Het token van de identiteitsprovider hoort bij een andere poging.",
        "expired": "Het token van de identiteitsprovider is verlopen, of de klok daar loopt verkeerd.",
        "no_subject": "Het token van de identiteitsprovider noemt niemand.",
        "unknown": "U hebt hier geen account voor deze identiteit. Meld u aan met uw wachtwoord en koppel "
        "haar onder Account, of vraag een beheerder om een uitnodiging.",
        "suspended": "Uw account hier is opgeschort. Vraag het aan uw beheerder.",
        "no_role": "De identiteitsprovider geeft u hier geen rol. Vraag het aan uw beheerder.",
        "name_taken": "Er is al een gebruiker met uw naam. Meld u aan met het wachtwoord daarvan en koppel "
        "deze identiteit onder Account.",
        "link": "Uw sessie is beëindigd. Meld u aan en koppel de identiteit opnieuw.",
        "linked": "Deze identiteit is al aan een gebruiker gekoppeld.",
    },
}


def sentence(language: Language, key: str) -> str:
    return _TEXTS[language][key]
