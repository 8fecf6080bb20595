-- A third kind of mail: what happened to a license, for who had it before.
ALTER TABLE outbox DROP CONSTRAINT outbox_kind_check;
ALTER TABLE outbox ADD CONSTRAINT outbox_kind_check CHECK (kind IN ('license', 'verification', 'notice'));
