-- Closes a way past the triggers of 0001: a session that calls itself a replica (session_replication_role) fires no ordinary trigger.
-- The same number under ../sqlite closes the way there is in SQLite.

ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER audit_entry_refuses_change;
ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER audit_entry_refuses_truncate;
ALTER TABLE audit_checkpoint ENABLE ALWAYS TRIGGER audit_checkpoint_refuses_change;
ALTER TABLE audit_checkpoint ENABLE ALWAYS TRIGGER audit_checkpoint_refuses_truncate;
