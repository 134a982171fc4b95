"""Every kind of entry and the command that makes it."""

from ledger.core.aliases import AddAlias, RemoveAlias
from ledger.core.api_keys import CreateApiKey, RevokeApiKey
from ledger.core.commands import Command
from ledger.core.deposits import MakeDeposit, ReturnDeposit
from ledger.core.log import AcceptLoss
from ledger.core.parties import CloseParty, CreateParty, FreezeParty, UnfreezeParty
from ledger.core.party_keys import RecoverParty, RegisterPartyKey, RevokePartyKey, SetPolicy
from ledger.core.public_keys import RegisterLogKey, RevokeLogKey
from ledger.core.rails import RegisterBank, RegisterRail
from ledger.core.request_keys import RegisterRequestKey, RevokeRequestKey
from ledger.core.settings import SetLedger
from ledger.core.transfers import Transfer

COMMANDS: dict[str, type[Command]] = {
    command.kind: command
    for command in (
        SetLedger,
        CreateApiKey,
        RevokeApiKey,
        RegisterRequestKey,
        RevokeRequestKey,
        RegisterLogKey,
        RevokeLogKey,
        AcceptLoss,
        RegisterBank,
        RegisterRail,
        CreateParty,
        FreezeParty,
        UnfreezeParty,
        CloseParty,
        SetPolicy,
        RegisterPartyKey,
        RecoverParty,
        RevokePartyKey,
        AddAlias,
        RemoveAlias,
        MakeDeposit,
        ReturnDeposit,
        Transfer,
    )
}
