-- Closes a way past the triggers of 0001: REPLACE deletes the row in its way without firing the trigger on DELETE.
-- The same number under ../postgres closes the way there is in PostgreSQL.
-- FAIL and not ABORT: for ABORT SQLite would keep a copy of every page that a commit touches. Whoever meets it undoes his transaction.

CREATE TRIGGER audit_entry_refuses_replace BEFORE INSERT ON audit_entry
WHEN EXISTS (SELECT 1 FROM audit_entry WHERE chain = NEW.chain AND sequence = NEW.sequence)
BEGIN SELECT RAISE(FAIL, 'audit entries are never replaced'); END;

CREATE TRIGGER audit_checkpoint_refuses_replace BEFORE INSERT ON audit_checkpoint
WHEN EXISTS (SELECT 1 FROM audit_checkpoint WHERE chain = NEW.chain AND segment = NEW.segment)
BEGIN SELECT RAISE(FAIL, 'audit checkpoints are never replaced'); END;
