"""What the command line says by itself, in English and French; what the server says comes in the reader's language."""

import os
from collections.abc import Mapping
from typing import Final

FRENCH: Final[Mapping[str, str]] = {
    "Error{code}: {message}": "Erreur{code} : {message}",
    "{end}: {why}": "{end} : {why}",
    "It is set by: {options}": "Cela se donne par : {options}",
    "this cannot be sent: {why}": "ceci ne peut pas être envoyé : {why}",
    "Check --tenant, SIROCCO_TENANT and SIROCCO_KEY": "Vérifiez --tenant, SIROCCO_TENANT et SIROCCO_KEY",
    "{url} does not answer as Sirocco does": "{url} ne répond pas comme Sirocco",
    "Give the portal's address, like http://127.0.0.1:8080": (
        "Donnez l'adresse du portail, comme http://127.0.0.1:8080"
    ),
    "{url} gave no key": "{url} n'a pas donné de clé",
    "Check that the address is that of a Sirocco server": "Vérifiez que l'adresse est celle d'un serveur Sirocco",
    "{path} cannot be written: {why}": "impossible d'écrire {path} : {why}",
    "Let it be written, or name another folder by XDG_CONFIG_HOME": (
        "Rendez-le modifiable, ou indiquez un autre dossier par XDG_CONFIG_HOME"
    ),
    "Interrupted.": "Interrompu.",
    "Signed in to {url}; the key is kept in {path}.": "Connecté à {url} ; la clé est gardée dans {path}.",
    "Request {id}: the server's log tells more.": "Requête {id} : le journal du serveur en dit plus.",
    "the server answered {status}": "le serveur a répondu {status}",
    "{path} cannot be read: {why}": "{path} est illisible : {why}",
    "Delete it and run `sirocco login` again": "Supprimez-le et relancez `sirocco login`",
    "you are not signed in": "vous n'êtes pas connecté",
    "Run `sirocco login http://HOST:PORT`, or set SIROCCO_URL and SIROCCO_KEY": (
        "Lancez `sirocco login http://HÔTE:PORT`, ou donnez SIROCCO_URL et SIROCCO_KEY"
    ),
    "the server's address is not known": "l'adresse du serveur n'est pas connue",
    "Give --url, or set SIROCCO_URL": "Donnez --url ou SIROCCO_URL",
    "{text} is no address of a server": "{text} n'est pas l'adresse d'un serveur",
    "Give one like http://127.0.0.1:8080": "Donnez-en une comme http://127.0.0.1:8080",
    "no answer from {url}: {why}": "pas de réponse de {url} : {why}",
    "Is the server running? `siroccod status` tells on its machine.": (
        "Le serveur est-il démarré ? `siroccod status` le dit sur sa machine."
    ),
    "there is no {kind} named {name}": "rien de ce genre ({kind}) ne s'appelle {name}",
    "`sirocco {kind} list` shows them": "`sirocco {kind} list` les montre",
    "{count} of them are named {name}": "{count} portent le nom {name}",
    "Use an id: `sirocco {kind} list --ids`": "Donnez un identifiant : `sirocco {kind} list --ids`",
    "{text} is no size": "{text} n'est pas une taille",
    "Write it like 512MiB, 2GiB or 10GB": "Écrivez-la comme 512MiB, 2GiB ou 10GB",
    "{text} is no KEY=VALUE": "{text} n'est pas de la forme CLÉ=VALEUR",
    "Write it like color=blue": "Écrivez par exemple couleur=bleu",
    "this is no JSON: {why}": "ce n'est pas du JSON : {why}",
    "this is no JSON object": "ce n'est pas un objet JSON",
    "Give an object like '{example}', or @FILE": "Donnez un objet comme '{example}', ou @FICHIER",
    "{text} is no ceiling": "{text} n'est pas un plafond",
    "Give a number, a size like 16GiB, or: unlimited": "Donnez un nombre, une taille comme 16GiB, ou : unlimited",
    "cannot read {path}: {why}": "{path} est illisible : {why}",
    "Check the path": "Vérifiez le chemin",
    "{path} is no text in UTF-8": "{path} n'est pas un texte en UTF-8",
    "Check that it is the file you mean": "Vérifiez que c'est bien le fichier voulu",
    "nothing to change was given": "rien à changer n'a été donné",
    "`sirocco {kind} update --help` lists options": "`sirocco {kind} update --help` donne les options",
    "{count} of them lead to {other}": "{count} mènent à {other}",
    "Use an id: the same list with --ids shows them": "Donnez un identifiant : la même liste avec --ids les montre",
    "{other} is not attached": "{other} n'est pas attaché",
    "`{command}` lists what is": "`{command}` donne ce qui l'est",
    "the job succeeded": "la tâche a réussi",
    "the job failed": "la tâche a échoué",
    "the job was stopped": "la tâche a été arrêtée",
    "`sirocco job show {job}` shows its steps": "`sirocco job show {job}` montre ses étapes",
    "the job has not ended in {seconds} s": "la tâche n'est pas finie après {seconds} s",
    "`sirocco job show {job}` tells more": "`sirocco job show {job}` en dit plus",
    "The job goes on; `sirocco job stop {job}` ends it.": ("La tâche continue ; `sirocco job stop {job}` y met fin."),
    "{one}  deleted": "{one}  supprimé",
    "{one}  job {job}": "{one}  tâche {job}",
    "job {job}": "tâche {job}",
}


def language() -> str:
    """The reader's language by POSIX's rules, two letters."""
    chosen = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    short = chosen[:2].lower()
    return short if short.isalpha() and chosen[2:3] in {"", "_", ".", "@"} else "en"


def say(text: str, /, **parts: object) -> str:
    """A sentence in the reader's language with its places filled; one that is not ours stays as it is."""
    told = FRENCH.get(text, text) if language() == "fr" else text
    return told.format(**parts) if parts else told
