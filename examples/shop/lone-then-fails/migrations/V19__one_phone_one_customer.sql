-- Some customers share a phone, so that this can't be.
ALTER TABLE customers ADD CONSTRAINT customers_phone_key UNIQUE (phone);
