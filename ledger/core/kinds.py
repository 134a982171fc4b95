"""Every kind of entry and the command that makes it."""

from ledger.core.aliases import AddAlias, RemoveAlias
from ledger.core.api_keys import CreateApiKey, RevokeApiKey
from ledger.core.charges import ClearFees, SetFees
from ledger.core.claims import ReturnClaim, TakeClaim
from ledger.core.commands import Command
from ledger.core.credit_notes import IssueCreditNote
from ledger.core.deposit_returns import ReturnDeposit
from ledger.core.deposits import MakeDeposit
from ledger.core.drafts import UpdateInvoice
from ledger.core.holds import CaptureHold, ExpireHold, IncreaseHold, PlaceHold, VoidHold
from ledger.core.invoices import CreateInvoice, FinalizeInvoice, VoidInvoice, WriteOffInvoice
from ledger.core.limits import SetLimits
from ledger.core.log import AcceptLoss
from ledger.core.outside_moves import MoveBetweenBanks, PrefundRail, SettleRail
from ledger.core.parties import CloseParty, CreateParty, FreezeParty, UnfreezeParty
from ledger.core.party_keys import RecoverParty, RegisterPartyKey, RevokePartyKey, SetPolicy
from ledger.core.payment_requests import (
    CancelPaymentRequest,
    CreatePaymentRequest,
    DeclinePaymentRequest,
    ExpirePaymentRequest,
    PayPaymentRequest,
)
from ledger.core.payouts import ConfirmPayout, FailPayout, RequestPayout, ReturnPayout, SubmitPayout
from ledger.core.public_keys import RegisterLogKey, RevokeLogKey
from ledger.core.rails import RegisterBank, RegisterRail
from ledger.core.reallocations import Reallocate
from ledger.core.refunds import FailRefund, MakeRefund, PayRefund
from ledger.core.request_keys import RegisterRequestKey, RevokeRequestKey
from ledger.core.reversals import ReverseEntry
from ledger.core.settings import SetLedger
from ledger.core.settlements import MakeSettlement, SettleInvoice
from ledger.core.splits import CancelSplit, CreateSplit, WaiveShare
from ledger.core.suspense import AllocateSuspense, ReturnSuspense
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
        SetFees,
        ClearFees,
        SetLimits,
        RegisterPartyKey,
        RecoverParty,
        RevokePartyKey,
        AddAlias,
        RemoveAlias,
        MakeDeposit,
        ReturnDeposit,
        Transfer,
        TakeClaim,
        ReturnClaim,
        PlaceHold,
        CaptureHold,
        VoidHold,
        IncreaseHold,
        ExpireHold,
        CreateInvoice,
        UpdateInvoice,
        FinalizeInvoice,
        VoidInvoice,
        WriteOffInvoice,
        IssueCreditNote,
        SettleInvoice,
        MakeSettlement,
        Reallocate,
        AllocateSuspense,
        ReturnSuspense,
        CreatePaymentRequest,
        PayPaymentRequest,
        DeclinePaymentRequest,
        CancelPaymentRequest,
        ExpirePaymentRequest,
        CreateSplit,
        WaiveShare,
        CancelSplit,
        RequestPayout,
        SubmitPayout,
        ConfirmPayout,
        FailPayout,
        ReturnPayout,
        SettleRail,
        PrefundRail,
        MoveBetweenBanks,
        MakeRefund,
        PayRefund,
        FailRefund,
        ReverseEntry,
    )
}
