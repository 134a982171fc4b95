"""Chats: where in the messenger something was done, so that it is found again from there."""

import msgspec

from ledger.core import shape
from ledger.core.books import Books
from ledger.core.errors import FieldError
from ledger.core.fields import ChatId
from ledger.core.rows import ChatEntry


class Chat(msgspec.Struct, forbid_unknown_fields=True):
    """Where in the messenger a payment was made; ids of the messenger's own."""

    conversation: ChatId
    message: ChatId | None = None

    def fault(self) -> FieldError | None:
        """The ids' rules."""
        return shape.first(
            shape.required_text("/conversation", self.conversation, shape.REFERENCE_LENGTH_MAX),
            shape.text("/message", self.message, shape.REFERENCE_LENGTH_MAX),
        )


def enter_chat(books: Books, chat: Chat | None) -> None:
    """Let the entry be found by its conversation, if it names one."""
    if chat is not None:
        books.rows.append(ChatEntry(chat.conversation, books.number))
