"""What is known of AWS's global condition keys; a name that ends in a slash stands for every tag."""

from collections.abc import Set

ALWAYS_PRESENT = frozenset(
    {"aws:securetransport", "aws:principalisawsservice", "aws:viaawsservice", "aws:currenttime", "aws:epochtime"}
)
MULTI_VALUED = frozenset(
    {
        "aws:tagkeys", "aws:calledvia", "aws:principalorgpaths", "aws:resourceorgpaths",
        "aws:principalservicenameslist", "aws:sourceorgpaths",
    }
)  # fmt: skip
SINGLE_VALUED = frozenset(
    {
        "aws:principalarn", "aws:principalaccount", "aws:principaltype", "aws:principaltag/", "aws:principalorgid",
        "aws:userid", "aws:username", "aws:sourceip", "aws:vpcsourceip", "aws:sourcevpc", "aws:sourcevpce",
        "aws:currenttime", "aws:epochtime", "aws:tokenissuetime", "aws:securetransport", "aws:requesttag/",
        "aws:resourcetag/", "aws:requestedregion", "aws:resourceaccount", "aws:resourceorgid", "aws:sourcearn",
        "aws:sourceaccount", "aws:multifactorauthpresent", "aws:multifactorauthage", "aws:useragent", "aws:referer",
        "aws:viaawsservice", "aws:principalisawsservice", "aws:principalservicename", "aws:sourceidentity",
    }
)  # fmt: skip


def belongs_to(key: str, keys: Set[str]) -> bool:
    name, slash, _ = key.lower().partition("/")
    return name + slash in keys
