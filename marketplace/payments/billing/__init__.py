"""Bills: receipts for payers, fee invoices for payees, credit notes for both, numbered without holes."""
