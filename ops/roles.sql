-- The roles in the database (design: docs/decisions/0004-two-walls.md). Run as a superuser; may be run again.
-- On a server, give each a password afterwards: ALTER ROLE lern_app PASSWORD '…';
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'lern_owner') THEN CREATE ROLE lern_owner; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'lern_app') THEN CREATE ROLE lern_app; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'lern_worker') THEN CREATE ROLE lern_worker; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'lern_backup') THEN CREATE ROLE lern_backup; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'lern_keys') THEN CREATE ROLE lern_keys; END IF;
END $$;
ALTER ROLE lern_owner LOGIN NOSUPERUSER CREATEDB BYPASSRLS;
ALTER ROLE lern_app LOGIN NOSUPERUSER NOCREATEDB NOBYPASSRLS;
ALTER ROLE lern_worker LOGIN NOSUPERUSER NOCREATEDB NOBYPASSRLS;
ALTER ROLE lern_backup LOGIN NOSUPERUSER NOCREATEDB BYPASSRLS;
ALTER ROLE lern_keys LOGIN NOSUPERUSER NOCREATEDB NOBYPASSRLS;
-- A migration that cannot have a table at once stands back instead of holding up everybody behind it, and is run again.
ALTER ROLE lern_owner SET lock_timeout = '5s';
ALTER ROLE lern_owner SET statement_timeout = '15min';
ALTER ROLE lern_app SET statement_timeout = '10s';
ALTER ROLE lern_app SET lock_timeout = '5s';
ALTER ROLE lern_app SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE lern_worker SET statement_timeout = '60s';
-- Disks without moving parts: a row by its index costs hardly more than the next row of the table.
ALTER ROLE lern_app SET random_page_cost = 1.1;
ALTER ROLE lern_worker SET random_page_cost = 1.1;
-- Tests lay their ground as the owner and then act as the web or the worker (PostgreSQL 16 and newer know the options).
DO $$
BEGIN
  IF current_setting('server_version_num')::int >= 160000 THEN
    GRANT lern_app, lern_worker, lern_backup, lern_keys TO lern_owner WITH INHERIT FALSE, SET TRUE;
  ELSE
    GRANT lern_app, lern_worker, lern_backup, lern_keys TO lern_owner;
  END IF;
END $$;
