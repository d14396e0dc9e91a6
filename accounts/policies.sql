-- Which rows of people, roles, invitations, keys, audit and mail a person sees. Written anew after every migrate.
-- Policies are named "accounts: …"; those of other apps add to them (policies on one table are OR-ed).

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO lern_app, lern_worker, lern_backup, lern_keys;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO lern_app;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO lern_backup;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO lern_backup;

-- Tables that hold nothing about the work together.
GRANT SELECT ON django_migrations, django_content_type, accounts_agency TO lern_app, lern_worker;
GRANT INSERT, UPDATE ON accounts_agency TO lern_app;  -- guarded by the policies below, readable by all
ALTER TABLE accounts_agency ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT, UPDATE, DELETE ON django_session TO lern_app;
DO $$ BEGIN
  IF to_regclass('django_cache') IS NOT NULL THEN
    GRANT SELECT, INSERT, UPDATE, DELETE ON django_cache TO lern_app;
  END IF;
END $$;

-- Who asks. Set per transaction by lernbegleitung/rls.py; empty means nobody.
CREATE OR REPLACE FUNCTION app_user_id() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
  RETURN nullif(current_setting('app.user_id', true), '')::bigint;

-- Signing in, resetting a password, accepting an invitation: requests below /accounts/ by nobody yet.
CREATE OR REPLACE FUNCTION app_door_open() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
  RETURN coalesce(current_setting('app.door', true), '') = 'open' AND app_user_id() IS NULL;

-- Today, by the application's clock (app.clock_offset is set in tests and demonstrations only).
CREATE OR REPLACE FUNCTION app_now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
  RETURN now() + coalesce(nullif(current_setting('app.clock_offset', true), ''), '0')::int * interval '1 second';

CREATE OR REPLACE FUNCTION app_today() RETURNS date LANGUAGE sql STABLE PARALLEL SAFE
  RETURN (app_now() AT TIME ZONE 'Europe/Berlin')::date;

CREATE OR REPLACE FUNCTION app_has_role(wanted text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT EXISTS (
    SELECT FROM accounts_rolegrant g JOIN accounts_user u ON u.id = g.user_id
     WHERE g.user_id = app_user_id() AND g.role = wanted AND u.is_active
       AND g.starts_on <= app_today() AND coalesce(g.ends_on, 'infinity') >= app_today())
$$;

-- The agencies a person coordinates today: those granted, and all below them.
CREATE OR REPLACE FUNCTION agencies_coordinated_by(person bigint) RETURNS SETOF bigint
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT DISTINCT a.id
    FROM accounts_rolegrant g
    JOIN accounts_user u ON u.id = g.user_id AND u.is_active
    JOIN accounts_agency root ON root.id = g.agency_id
    JOIN accounts_agency a ON a.path LIKE root.path || '%'
   WHERE g.user_id = person AND g.role = 'coordinator'
     AND g.starts_on <= app_today() AND coalesce(g.ends_on, 'infinity') >= app_today()
$$;
REVOKE ALL ON FUNCTION agencies_coordinated_by(bigint) FROM PUBLIC;
CREATE OR REPLACE FUNCTION app_coordinated_agencies() RETURNS SETOF bigint
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT agencies_coordinated_by(app_user_id())
$$;

CREATE POLICY "accounts: the tree is public" ON accounts_agency FOR SELECT TO lern_app, lern_worker USING (true);
CREATE POLICY "accounts: administrators plant" ON accounts_agency FOR INSERT TO lern_app
  WITH CHECK ((SELECT app_has_role('administrator')));
CREATE POLICY "accounts: administrators tend" ON accounts_agency FOR UPDATE TO lern_app
  USING ((SELECT app_has_role('administrator'))) WITH CHECK ((SELECT app_has_role('administrator')));

-- The agency itself, or the nearest above it that has not gone up into another one (docs/decisions/0021).
CREATE OR REPLACE FUNCTION standing_agency(agency bigint) RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT up.id FROM accounts_agency a JOIN accounts_agency up ON a.path LIKE up.path || '%'
   WHERE a.id = agency AND up.merged_on IS NULL ORDER BY length(up.path) DESC LIMIT 1
$$;
-- Whoever comes to an agency that has gone up into another comes to that one: by an invitation sent before, an import with
-- the old code, or a page that stood open meanwhile.
CREATE OR REPLACE FUNCTION come_to_standing_agency() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM FROM accounts_agency WHERE id = NEW.agency_id FOR KEY SHARE;  -- wait for a merger that is under way
  NEW.agency_id := standing_agency(NEW.agency_id);
  RETURN NEW;
END $$;

-- Features of agencies: known to all, honoured by the worker, switched by the administration.
GRANT SELECT ON accounts_agencyfeature TO lern_app, lern_worker;
GRANT INSERT, UPDATE, DELETE ON accounts_agencyfeature TO lern_app;
ALTER TABLE accounts_agencyfeature ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "accounts: features are known" ON accounts_agencyfeature FOR SELECT TO lern_app, lern_worker USING (true);
CREATE POLICY "accounts: administrators set features" ON accounts_agencyfeature FOR INSERT TO lern_app
  WITH CHECK ((SELECT app_has_role('administrator')));
CREATE POLICY "accounts: administrators switch features" ON accounts_agencyfeature FOR UPDATE TO lern_app
  USING ((SELECT app_has_role('administrator'))) WITH CHECK ((SELECT app_has_role('administrator')));
CREATE POLICY "accounts: administrators leave features as above" ON accounts_agencyfeature FOR DELETE TO lern_app
  USING ((SELECT app_has_role('administrator')));
-- The agencies that have a feature switched off, by the nearest setting up the tree (accounts/features.py); usually none.
CREATE OR REPLACE FUNCTION agencies_without(wanted text) RETURNS SETOF bigint LANGUAGE sql STABLE AS $$
  SELECT a.id FROM accounts_agency a
   WHERE EXISTS (SELECT FROM accounts_agencyfeature f WHERE f.feature = wanted AND NOT f.is_on)
     AND NOT coalesce((SELECT f.is_on FROM accounts_agencyfeature f JOIN accounts_agency up ON up.id = f.agency_id
                        WHERE f.feature = wanted AND a.path LIKE up.path || '%' ORDER BY length(up.path) DESC LIMIT 1), true)
$$;

-- Free days of agencies: known to all, planned with by the worker, kept by the administration.
GRANT SELECT ON accounts_freeday TO lern_app, lern_worker;
GRANT INSERT, UPDATE, DELETE ON accounts_freeday TO lern_app;
ALTER TABLE accounts_freeday ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "accounts: free days are known" ON accounts_freeday FOR SELECT TO lern_app, lern_worker USING (true);
CREATE POLICY "accounts: administrators add free days" ON accounts_freeday FOR INSERT TO lern_app
  WITH CHECK ((SELECT app_has_role('administrator')));
CREATE POLICY "accounts: administrators change free days" ON accounts_freeday FOR UPDATE TO lern_app
  USING ((SELECT app_has_role('administrator'))) WITH CHECK ((SELECT app_has_role('administrator')));
CREATE POLICY "accounts: administrators delete free days" ON accounts_freeday FOR DELETE TO lern_app
  USING ((SELECT app_has_role('administrator')));

-- ── people ─────────────────────────────────────────────────────────────────
GRANT SELECT, INSERT, UPDATE ON accounts_user TO lern_app;
GRANT SELECT (id, email, name, language, time_zone, work_days, reminder_hour, absent_from, absent_until,
              mail_style, reminders_stopped_at, is_active, agency_id) ON accounts_user TO lern_worker;
ALTER TABLE accounts_user ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
DROP TRIGGER IF EXISTS come_to_standing_agency ON accounts_user;
CREATE TRIGGER come_to_standing_agency BEFORE INSERT OR UPDATE OF agency_id ON accounts_user
  FOR EACH ROW EXECUTE FUNCTION come_to_standing_agency();
CREATE POLICY "accounts: own account" ON accounts_user FOR SELECT TO lern_app
  USING (id = (SELECT app_user_id()));
CREATE POLICY "accounts: at the door" ON accounts_user FOR SELECT TO lern_app USING ((SELECT app_door_open()));
CREATE POLICY "accounts: administrators see people" ON accounts_user FOR SELECT TO lern_app
  USING ((SELECT app_has_role('administrator')));
CREATE POLICY "accounts: coordinators see their agencies' people" ON accounts_user FOR SELECT TO lern_app
  USING (agency_id IN (SELECT app_coordinated_agencies()));
CREATE POLICY "accounts: change own account" ON accounts_user FOR UPDATE TO lern_app
  USING (id = (SELECT app_user_id())) WITH CHECK (id = (SELECT app_user_id()));
CREATE POLICY "accounts: new password at the door" ON accounts_user FOR UPDATE TO lern_app
  USING ((SELECT app_door_open())) WITH CHECK ((SELECT app_door_open()));
CREATE POLICY "accounts: administrators change people" ON accounts_user FOR UPDATE TO lern_app
  USING ((SELECT app_has_role('administrator'))) WITH CHECK ((SELECT app_has_role('administrator')));
CREATE POLICY "accounts: come in at the door" ON accounts_user FOR INSERT TO lern_app
  WITH CHECK ((SELECT app_door_open()));

-- ── roles ──────────────────────────────────────────────────────────────────
GRANT SELECT, INSERT, UPDATE, DELETE ON accounts_rolegrant TO lern_app;
ALTER TABLE accounts_rolegrant ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
DROP TRIGGER IF EXISTS come_to_standing_agency ON accounts_rolegrant;
CREATE TRIGGER come_to_standing_agency BEFORE INSERT OR UPDATE OF agency_id ON accounts_rolegrant
  FOR EACH ROW EXECUTE FUNCTION come_to_standing_agency();
CREATE POLICY "accounts: own roles" ON accounts_rolegrant FOR SELECT TO lern_app
  USING (user_id = (SELECT app_user_id()));
CREATE POLICY "accounts: administrators grant roles" ON accounts_rolegrant TO lern_app
  USING ((SELECT app_has_role('administrator'))) WITH CHECK ((SELECT app_has_role('administrator')));
CREATE POLICY "accounts: coordinators see roles in their agencies" ON accounts_rolegrant FOR SELECT TO lern_app
  USING (agency_id IN (SELECT app_coordinated_agencies()));

-- ── invitations ────────────────────────────────────────────────────────────
GRANT SELECT, INSERT ON accounts_invitation TO lern_app;
-- Whom an invitation is for, and which role it gives, never changes.
REVOKE UPDATE ON accounts_invitation FROM lern_app;
GRANT UPDATE (accepted_at, withdrawn_at) ON accounts_invitation TO lern_app;
ALTER TABLE accounts_invitation ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "accounts: invitations at the door" ON accounts_invitation FOR SELECT TO lern_app
  USING ((SELECT app_door_open()));
CREATE POLICY "accounts: accept at the door" ON accounts_invitation FOR UPDATE TO lern_app
  USING ((SELECT app_door_open())) WITH CHECK ((SELECT app_door_open()) AND accepted_at IS NOT NULL);
CREATE POLICY "accounts: administrators invite" ON accounts_invitation TO lern_app
  USING ((SELECT app_has_role('administrator'))) WITH CHECK ((SELECT app_has_role('administrator')));
CREATE POLICY "accounts: coordinators see invitations" ON accounts_invitation FOR SELECT TO lern_app
  USING (agency_id IN (SELECT app_coordinated_agencies()));
CREATE POLICY "accounts: coordinators invite learners and companions" ON accounts_invitation FOR INSERT TO lern_app
  WITH CHECK (agency_id IN (SELECT app_coordinated_agencies()) AND role IN ('', 'companion'));
CREATE POLICY "accounts: coordinators withdraw invitations" ON accounts_invitation FOR UPDATE TO lern_app
  USING (agency_id IN (SELECT app_coordinated_agencies()) AND role IN ('', 'companion'))
  WITH CHECK (agency_id IN (SELECT app_coordinated_agencies()) AND role IN ('', 'companion'));
-- The role that an accepted invitation names, for as long as it says, and no other.
CREATE POLICY "accounts: role of the invitation" ON accounts_rolegrant FOR INSERT TO lern_app
  WITH CHECK ((SELECT app_door_open()) AND EXISTS (
    SELECT FROM accounts_invitation i JOIN accounts_user u ON u.email = lower(i.email)
     WHERE u.id = accounts_rolegrant.user_id AND i.role = accounts_rolegrant.role
       AND standing_agency(i.agency_id) = accounts_rolegrant.agency_id
       AND i.role_until IS NOT DISTINCT FROM accounts_rolegrant.ends_on AND i.accepted_at IS NOT NULL));
CREATE POLICY "accounts: roles at the door" ON accounts_rolegrant FOR SELECT TO lern_app USING ((SELECT app_door_open()));

-- The nearest agency up the tree, itself included, that has a coordinator today; NULL when there is none.
CREATE OR REPLACE FUNCTION nearest_coordination(agency bigint) RETURNS bigint
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT up.id FROM accounts_agency a JOIN accounts_agency up ON a.path LIKE up.path || '%'
   WHERE a.id = agency AND EXISTS (
     SELECT FROM accounts_rolegrant g JOIN accounts_user u ON u.id = g.user_id AND u.is_active
      WHERE g.agency_id = up.id AND g.role = 'coordinator'
        AND g.starts_on <= app_today() AND coalesce(g.ends_on, 'infinity') >= app_today())
   ORDER BY length(up.path) DESC LIMIT 1
$$;

-- Whom to tell of a request: the coordinators of the nearest agency up the tree that has any. Their ids and languages,
-- so that a learner can post them a mail without seeing their accounts.
CREATE OR REPLACE FUNCTION coordinators_of(agency bigint) RETURNS TABLE (user_id bigint, language text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT u.id, u.language
    FROM accounts_rolegrant g JOIN accounts_user u ON u.id = g.user_id AND u.is_active
   WHERE g.role = 'coordinator' AND g.agency_id = nearest_coordination(agency)
     AND g.starts_on <= app_today() AND coalesce(g.ends_on, 'infinity') >= app_today()
$$;

-- Agencies that have a coordination of their own: where a learner may also send the request.
CREATE OR REPLACE FUNCTION coordinations() RETURNS SETOF bigint
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT DISTINCT g.agency_id FROM accounts_rolegrant g JOIN accounts_user u ON u.id = g.user_id AND u.is_active
   WHERE g.role = 'coordinator' AND g.starts_on <= app_today() AND coalesce(g.ends_on, 'infinity') >= app_today()
$$;

-- Whether an address has an account or an open invitation: for those who invite, who may not see every account.
CREATE OR REPLACE FUNCTION address_is_taken(address text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT (app_has_role('administrator') OR app_has_role('coordinator')) AND (
    EXISTS (SELECT FROM accounts_user u WHERE u.email = lower(address))
    OR EXISTS (SELECT FROM accounts_invitation i WHERE i.email = lower(address) AND i.accepted_at IS NULL
                AND i.withdrawn_at IS NULL AND i.expires_at > app_now()))
$$;

-- Functions that look past the policies are for the web alone; every other role could say that it is anybody.
REVOKE ALL ON FUNCTION app_has_role(text), app_coordinated_agencies(), nearest_coordination(bigint),
  coordinators_of(bigint), coordinations(), address_is_taken(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app_has_role(text), app_coordinated_agencies(), nearest_coordination(bigint),
  coordinators_of(bigint), coordinations(), address_is_taken(text) TO lern_app;

-- ── allauth's addresses ────────────────────────────────────────────────────
GRANT SELECT, INSERT, UPDATE, DELETE ON account_emailaddress, account_emailconfirmation TO lern_app;
ALTER TABLE account_emailaddress ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "accounts: own addresses" ON account_emailaddress TO lern_app
  USING (user_id = (SELECT app_user_id())) WITH CHECK (user_id = (SELECT app_user_id()));
CREATE POLICY "accounts: addresses at the door" ON account_emailaddress TO lern_app
  USING ((SELECT app_door_open())) WITH CHECK ((SELECT app_door_open()));
ALTER TABLE account_emailconfirmation ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "accounts: confirmations of own addresses" ON account_emailconfirmation TO lern_app
  USING (EXISTS (SELECT FROM account_emailaddress a WHERE a.id = email_address_id))
  WITH CHECK (EXISTS (SELECT FROM account_emailaddress a WHERE a.id = email_address_id));

-- ── sessions: own ones, written at the door; their keys are hashed ─────────────
GRANT SELECT, INSERT, DELETE ON accounts_signin TO lern_app;
ALTER TABLE accounts_signin ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "accounts: own sessions" ON accounts_signin TO lern_app
  USING (user_id = (SELECT app_user_id())) WITH CHECK (user_id = (SELECT app_user_id()));
CREATE POLICY "accounts: sessions begin at the door" ON accounts_signin FOR INSERT TO lern_app
  WITH CHECK ((SELECT app_door_open()));

CREATE OR REPLACE FUNCTION session_hash(key text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN encode(sha256(convert_to(key, 'UTF8')), 'hex');

CREATE OR REPLACE FUNCTION open_sessions(person bigint) RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT i.id FROM accounts_signin i JOIN django_session s ON session_hash(s.session_key) = i.key_hash
   WHERE i.user_id = person AND person = app_user_id() AND s.expire_date > now()
$$;

CREATE OR REPLACE FUNCTION end_sessions(person bigint, only_this uuid, all_but text) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE ended integer;
BEGIN
  IF person IS DISTINCT FROM app_user_id() AND NOT app_has_role('administrator') AND NOT app_door_open() THEN
    RAISE EXCEPTION 'sessions are ended by the person or by the administration' USING ERRCODE = '42501';
  END IF;
  WITH gone AS (
    DELETE FROM accounts_signin WHERE user_id = person AND (only_this IS NULL OR id = only_this)
       AND (all_but IS NULL OR key_hash <> all_but) RETURNING key_hash)
  DELETE FROM django_session s USING gone WHERE session_hash(s.session_key) = gone.key_hash;
  GET DIAGNOSTICS ended = ROW_COUNT;
  IF only_this IS NULL THEN  -- a new password, a deactivated account, signed out everywhere: no notices either
    DELETE FROM accounts_pushdevice WHERE owner_id = person;
  END IF;
  RETURN ended;
END $$;

-- ── second factors: own ones; read and marked as used at the door; sealed by the master key ──
GRANT SELECT, INSERT, UPDATE, DELETE ON mfa_authenticator TO lern_app;
ALTER TABLE mfa_authenticator ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "accounts: own second factors" ON mfa_authenticator TO lern_app
  USING (user_id = (SELECT app_user_id())) WITH CHECK (user_id = (SELECT app_user_id()));
CREATE POLICY "accounts: second factors at the door" ON mfa_authenticator FOR SELECT TO lern_app
  USING ((SELECT app_door_open()));
CREATE POLICY "accounts: second factors used at the door" ON mfa_authenticator FOR UPDATE TO lern_app
  USING ((SELECT app_door_open())) WITH CHECK ((SELECT app_door_open()));
GRANT SELECT (id, type, data), UPDATE (data) ON mfa_authenticator TO lern_keys;
CREATE POLICY "accounts: sealed second factors" ON mfa_authenticator FOR SELECT TO lern_keys USING (true);
CREATE POLICY "accounts: seal second factors anew" ON mfa_authenticator FOR UPDATE TO lern_keys
  USING (true) WITH CHECK (true);

-- Whether somebody has one, and taking them all away when telephone and codes are lost: for the administration.
CREATE OR REPLACE FUNCTION has_second_factor(person bigint) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT app_has_role('administrator') AND EXISTS (SELECT FROM mfa_authenticator WHERE user_id = person)
$$;
CREATE OR REPLACE FUNCTION reset_second_factor(person bigint) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE taken integer;
BEGIN
  IF NOT app_has_role('administrator') OR person = app_user_id() THEN
    RAISE EXCEPTION 'second factors are taken away by the administration, not the own ones' USING ERRCODE = '42501';
  END IF;
  DELETE FROM mfa_authenticator WHERE user_id = person;
  GET DIAGNOSTICS taken = ROW_COUNT;
  RETURN taken;
END $$;

REVOKE ALL ON FUNCTION open_sessions(bigint), end_sessions(bigint, uuid, text), has_second_factor(bigint),
  reset_second_factor(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION open_sessions(bigint), end_sessions(bigint, uuid, text), has_second_factor(bigint),
  reset_second_factor(bigint) TO lern_app;

-- ── data keys: own key; engagements/policies.sql adds the keys of engagements ──
GRANT SELECT, INSERT, DELETE ON accounts_datakey TO lern_app;
ALTER TABLE accounts_datakey ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "accounts: own key" ON accounts_datakey TO lern_app
  USING (owner_id = (SELECT app_user_id())) WITH CHECK (owner_id = (SELECT app_user_id()));

-- Changing the master key: wrapped keys, and nothing else of anybody.
GRANT SELECT (id, owner_id, master, wrapped, created_at), UPDATE (master, wrapped) ON accounts_datakey TO lern_keys;
CREATE POLICY "accounts: wrapped keys" ON accounts_datakey FOR SELECT TO lern_keys USING (true);
CREATE POLICY "accounts: wrap anew" ON accounts_datakey FOR UPDATE TO lern_keys USING (true) WITH CHECK (true);

-- ── drafts: what one has typed and not sent is one's own (accounts/audiences.py) ──
GRANT SELECT, INSERT, UPDATE, DELETE ON accounts_draft TO lern_app;
ALTER TABLE accounts_draft ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- ── talks: own settings (accounts/audiences.py); the video service of an agency is known, kept by its coordination ──
GRANT SELECT, INSERT, UPDATE, DELETE ON accounts_talksettings, accounts_videoservice TO lern_app;
ALTER TABLE accounts_talksettings ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE accounts_videoservice ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "accounts: video services are known" ON accounts_videoservice FOR SELECT TO lern_app
  USING ((SELECT app_user_id()) IS NOT NULL);
CREATE POLICY "accounts: video services are set for one's agencies" ON accounts_videoservice FOR INSERT TO lern_app
  WITH CHECK ((SELECT app_has_role('administrator')) OR agency_id IN (SELECT app_coordinated_agencies()));
CREATE POLICY "accounts: video services are changed" ON accounts_videoservice FOR UPDATE TO lern_app
  USING ((SELECT app_has_role('administrator')) OR agency_id IN (SELECT app_coordinated_agencies()))
  WITH CHECK ((SELECT app_has_role('administrator')) OR agency_id IN (SELECT app_coordinated_agencies()));
CREATE POLICY "accounts: video services are given up" ON accounts_videoservice FOR DELETE TO lern_app
  USING ((SELECT app_has_role('administrator')) OR agency_id IN (SELECT app_coordinated_agencies()));

-- ── audit: lines are added, never changed ──────────────────────────────────
GRANT SELECT, INSERT ON accounts_auditevent TO lern_app;
GRANT INSERT ON accounts_auditevent TO lern_worker;
GRANT USAGE ON SEQUENCE accounts_auditevent_id_seq TO lern_worker;
ALTER TABLE accounts_auditevent ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "accounts: write own lines" ON accounts_auditevent FOR INSERT TO lern_app
  WITH CHECK (actor_id IS NOT DISTINCT FROM (SELECT app_user_id()));
CREATE POLICY "accounts: the system writes lines" ON accounts_auditevent FOR INSERT TO lern_worker
  WITH CHECK (actor_id IS NULL);
CREATE POLICY "accounts: read own lines" ON accounts_auditevent FOR SELECT TO lern_app
  USING (actor_id = (SELECT app_user_id()));

-- ── the access log: log_openings() adds lines, owners read, nobody changes ──
GRANT SELECT ON accounts_opening TO lern_app;
ALTER TABLE accounts_opening ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "accounts: who opened what is mine" ON accounts_opening FOR SELECT TO lern_app
  USING (owner_id = (SELECT app_user_id()));

-- ── outgoing mail: everybody posts, the recipient sees, the worker sends ──────
GRANT SELECT, INSERT ON accounts_outgoingmail TO lern_app;
GRANT SELECT, UPDATE ON accounts_outgoingmail TO lern_worker;
GRANT INSERT ON accounts_outgoingmail TO lern_worker;
ALTER TABLE accounts_outgoingmail ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "accounts: post mail" ON accounts_outgoingmail FOR INSERT TO lern_app WITH CHECK (sent_at IS NULL);
CREATE POLICY "accounts: own mail" ON accounts_outgoingmail FOR SELECT TO lern_app
  USING (recipient_id = (SELECT app_user_id()));
CREATE POLICY "accounts: the worker's mail" ON accounts_outgoingmail TO lern_worker USING (true) WITH CHECK (true);
CREATE POLICY "accounts: recipients of open mail" ON accounts_user FOR SELECT TO lern_worker
  USING (EXISTS (SELECT FROM accounts_outgoingmail m WHERE m.recipient_id = accounts_user.id
                  AND m.sent_at IS NULL AND m.failed_at IS NULL AND m.dropped_at IS NULL));

-- ── devices for notices: own ones, without what one needs for sending; written below, read whole by the worker ──
GRANT SELECT (id, owner_id, endpoint_hash, browser, system, since), DELETE ON accounts_pushdevice TO lern_app;
GRANT SELECT, DELETE ON accounts_pushdevice TO lern_worker;
ALTER TABLE accounts_pushdevice ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "accounts: remove own devices" ON accounts_pushdevice FOR DELETE TO lern_app
  USING (owner_id = (SELECT app_user_id()));
CREATE POLICY "accounts: the worker's devices" ON accounts_pushdevice FOR SELECT TO lern_worker USING (true);
CREATE POLICY "accounts: the worker removes what is gone" ON accounts_pushdevice FOR DELETE TO lern_worker USING (true);

-- A browser belongs to whoever has switched it on last: with two people at one machine the former one's row goes, which
-- nobody else may see. NULL when the person has too many.
CREATE OR REPLACE FUNCTION keep_push_device(new_id uuid, endpoint text, hash text, p256dh text, auth text, browser text,
                                            system text, at timestamptz, most int) RETURNS uuid
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE me bigint := app_user_id(); kept uuid;
BEGIN
  IF me IS NULL THEN RETURN NULL; END IF;
  PERFORM FROM accounts_user WHERE id = me FOR NO KEY UPDATE;  -- one after the other, or two could pass the limit
  IF (SELECT count(*) FROM accounts_pushdevice d WHERE d.owner_id = me AND d.endpoint_hash <> hash) >= most THEN
    RETURN NULL;
  END IF;
  INSERT INTO accounts_pushdevice AS d (id, owner_id, endpoint, endpoint_hash, p256dh, auth, browser, system, since)
  VALUES (new_id, me, endpoint, hash, p256dh, auth, browser, system, at)
  ON CONFLICT (endpoint_hash) DO UPDATE SET id = CASE WHEN d.owner_id = me THEN d.id ELSE new_id END, owner_id = me,
     p256dh = EXCLUDED.p256dh, auth = EXCLUDED.auth, browser = EXCLUDED.browser, system = EXCLUDED.system, since = EXCLUDED.since
  RETURNING d.id INTO kept;
  RETURN kept;
END $$;
REVOKE ALL ON FUNCTION keep_push_device(uuid, text, text, text, text, text, text, timestamptz, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION keep_push_device(uuid, text, text, text, text, text, text, timestamptz, int) TO lern_app;

-- ── operation: when each job ran, addresses that take no mail, what waits and what failed. No content, no names ──
GRANT SELECT ON accounts_jobrun TO lern_app, lern_worker;
GRANT INSERT, UPDATE ON accounts_jobrun TO lern_worker;
ALTER TABLE accounts_jobrun ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "accounts: jobs for the administration" ON accounts_jobrun FOR SELECT TO lern_app
  USING ((SELECT app_has_role('administrator')));
CREATE POLICY "accounts: the worker writes down its jobs" ON accounts_jobrun TO lern_worker USING (true) WITH CHECK (true);

GRANT SELECT, DELETE ON accounts_pausedaddress TO lern_app;
GRANT SELECT, INSERT, UPDATE ON accounts_pausedaddress TO lern_worker;
ALTER TABLE accounts_pausedaddress ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "accounts: paused addresses, the own and for the administration" ON accounts_pausedaddress FOR SELECT TO lern_app
  USING ((SELECT app_has_role('administrator'))
         OR address = (SELECT u.email FROM accounts_user u WHERE u.id = (SELECT app_user_id())));
CREATE POLICY "accounts: try an address again" ON accounts_pausedaddress FOR DELETE TO lern_app
  USING ((SELECT app_has_role('administrator'))
         OR address = (SELECT u.email FROM accounts_user u WHERE u.id = (SELECT app_user_id())));
CREATE POLICY "accounts: the worker pauses addresses" ON accounts_pausedaddress TO lern_worker USING (true) WITH CHECK (true);

-- Numbers about the outbox and the jobs, for the operator's page and for metrics: nobody's mail, only how many and how old.
CREATE OR REPLACE FUNCTION operation_figures() RETURNS TABLE (name text, label text, value double precision)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH m AS (SELECT * FROM accounts_outgoingmail),
  open AS (SELECT * FROM m WHERE sent_at IS NULL AND dropped_at IS NULL AND failed_at IS NULL)
  SELECT 'due', '', count(*)::double precision FROM open WHERE due_at <= app_now()
  UNION ALL SELECT 'planned', '', count(*) FROM open WHERE due_at > app_now()
  UNION ALL SELECT 'oldest_due_seconds', '', coalesce(extract(epoch FROM app_now() - min(due_at)), 0) FROM open
             WHERE due_at <= app_now()
  UNION ALL SELECT 'retrying', '', count(*) FROM open WHERE attempts > 0 AND smtp_code IS NOT NULL
  UNION ALL SELECT 'failed', '', count(*) FROM m WHERE failed_at IS NOT NULL
  UNION ALL SELECT 'sent_last_day', '', count(*) FROM m WHERE sent_at > app_now() - interval '1 day'
  UNION ALL SELECT 'dropped_last_day', '', count(*) FROM m WHERE dropped_at > app_now() - interval '1 day'
  UNION ALL SELECT 'paused_addresses', '', count(*) FROM accounts_pausedaddress
  UNION ALL SELECT 'job_age_seconds', j.name, extract(epoch FROM app_now() - j.succeeded_at) FROM accounts_jobrun j
             WHERE j.succeeded_at IS NOT NULL
  UNION ALL SELECT 'job_failed', j.name, CASE WHEN j.error = '' THEN 0 ELSE 1 END FROM accounts_jobrun j
$$;

-- What could not be delivered: what kind, when, which answer. Not to whom, and nothing of what it was about.
CREATE OR REPLACE FUNCTION dead_letters(most int)
  RETURNS TABLE (id uuid, kind text, domain text, due_at timestamptz, failed_at timestamptz, attempts int, smtp_code int, smtp_status text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT m.id, m.kind, split_part(coalesce(u.email, m.address), '@', 2), m.due_at, m.failed_at, m.attempts, m.smtp_code, m.smtp_status
    FROM accounts_outgoingmail m LEFT JOIN accounts_user u ON u.id = m.recipient_id
   WHERE app_has_role('administrator') AND m.failed_at IS NOT NULL
   ORDER BY m.failed_at DESC LIMIT most
$$;
CREATE OR REPLACE FUNCTION retry_dead_letter(mail uuid) RETURNS boolean
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  UPDATE accounts_outgoingmail SET failed_at = NULL, claimed_until = NULL, attempts = 0, due_at = greatest(due_at, app_now())
   WHERE id = mail AND failed_at IS NOT NULL AND app_has_role('administrator') RETURNING true
$$;
-- Where a mail went that has come back: the worker sees recipients only while their mail is open.
CREATE OR REPLACE FUNCTION address_of_sent_mail(mail uuid) RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT coalesce(u.email, m.address) FROM accounts_outgoingmail m LEFT JOIN accounts_user u ON u.id = m.recipient_id
   WHERE m.id = mail AND m.sent_at IS NOT NULL
$$;
REVOKE ALL ON FUNCTION address_of_sent_mail(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION address_of_sent_mail(uuid) TO lern_worker;
REVOKE ALL ON FUNCTION operation_figures(), dead_letters(int), retry_dead_letter(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION operation_figures(), dead_letters(int), retry_dead_letter(uuid) TO lern_app;

-- ── imports: own files while administering. The worker takes a file over in its maker's name, and sees nothing of it ──
GRANT SELECT, INSERT, DELETE, UPDATE (state, invite, attempts, claimed_until, changed_at) ON accounts_importfile TO lern_app;
GRANT SELECT, INSERT, DELETE ON accounts_importline TO lern_app;
ALTER TABLE accounts_importfile ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE accounts_importline ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "accounts: own imports" ON accounts_importfile TO lern_app
  USING (made_by_id = (SELECT app_user_id()) AND (SELECT app_has_role('administrator')))
  WITH CHECK (made_by_id = (SELECT app_user_id()) AND (SELECT app_has_role('administrator')));
CREATE POLICY "accounts: lines of own imports" ON accounts_importline FOR SELECT TO lern_app
  USING (file_id IN (SELECT f.id FROM accounts_importfile f));
CREATE POLICY "accounts: lines of a new import" ON accounts_importline FOR INSERT TO lern_app
  WITH CHECK (outcome = '' AND file_id IN (SELECT f.id FROM accounts_importfile f WHERE f.state = 'ready'));
CREATE POLICY "accounts: lines are put away" ON accounts_importline FOR DELETE TO lern_app
  USING (file_id IN (SELECT f.id FROM accounts_importfile f WHERE f.state <> 'taking_over'));

CREATE OR REPLACE FUNCTION imports_wait() RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM accounts_importfile f WHERE f.state = 'taking_over' AND f.attempts < 3
                  AND coalesce(f.claimed_until, '-infinity') <= app_now())
$$;
CREATE OR REPLACE FUNCTION import_claim(seconds int) RETURNS uuid
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  UPDATE accounts_importfile f
     SET claimed_until = app_now() + seconds * interval '1 second', attempts = f.attempts + 1, changed_at = app_now()
   WHERE f.id = (SELECT n.id FROM accounts_importfile n
                  WHERE n.state = 'taking_over' AND n.attempts < 3 AND coalesce(n.claimed_until, '-infinity') <= app_now()
                  ORDER BY n.changed_at LIMIT 1 FOR UPDATE SKIP LOCKED)
  RETURNING f.id
$$;
-- Let go of a file: the next ring goes on. What went well does not count as an attempt.
CREATE OR REPLACE FUNCTION import_let_go(file uuid, went_well boolean) RETURNS void
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  UPDATE accounts_importfile f SET claimed_until = NULL, attempts = CASE WHEN went_well THEN 0 ELSE f.attempts END WHERE f.id = file
$$;

-- Whether what is there is neither what the preview showed nor what the file wants: somebody else has changed it since.
CREATE OR REPLACE FUNCTION changed_meanwhile(changes jsonb, now_there jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT EXISTS (SELECT FROM jsonb_each(changes) c
                  WHERE now_there ? c.key AND now_there -> c.key NOT IN (c.value -> 0, c.value -> 1))
$$;
-- The agency that a code means, held until the transaction ends: itself, or the one it has gone up into. NULL for none.
CREATE OR REPLACE FUNCTION agency_by_code(wanted text) RETURNS accounts_agency
  LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp AS $$
DECLARE found accounts_agency;
BEGIN
  PERFORM FROM accounts_agency x WHERE x.code = wanted FOR KEY SHARE;  -- wait for a merger that is under way
  SELECT s.* INTO found FROM accounts_agency x JOIN accounts_agency s ON s.id = standing_agency(x.id) WHERE x.code = wanted FOR KEY SHARE OF s;
  RETURN found;
END $$;
-- One agency: planted below its parent, or changed.
CREATE OR REPLACE FUNCTION import_agency(l accounts_importline) RETURNS text
  LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp AS $$
DECLARE a accounts_agency; up accounts_agency; v jsonb := l.values; now_there jsonb; new_id bigint;
BEGIN
  SELECT * INTO a FROM accounts_agency x WHERE x.code = v ->> 'code' FOR NO KEY UPDATE;
  now_there := jsonb_build_object('name', a.name, 'kind', a.kind, 'state', a.state, 'city', a.city);
  IF l.verdict = 'changed' THEN
    IF a.id IS NULL OR a.merged_on IS NOT NULL THEN RETURN 'no_agency'; END IF;
    IF changed_meanwhile(l.changes, now_there) THEN RETURN 'meanwhile'; END IF;
    UPDATE accounts_agency x SET name = coalesce(l.changes -> 'name' ->> 1, x.name), kind = coalesce(l.changes -> 'kind' ->> 1, x.kind),
           state = coalesce(l.changes -> 'state' ->> 1, x.state), city = coalesce(l.changes -> 'city' ->> 1, x.city) WHERE x.id = a.id;
    RETURN CASE WHEN (SELECT bool_and(now_there -> c.key = c.value -> 1) FROM jsonb_each(l.changes) c) THEN 'already' ELSE 'done' END;
  END IF;
  IF a.id IS NOT NULL THEN RETURN CASE WHEN now_there <@ v THEN 'already' ELSE 'meanwhile' END; END IF;
  IF v ->> 'parent' <> '' THEN
    SELECT * INTO up FROM agency_by_code(v ->> 'parent');
    IF up.id IS NULL THEN RETURN 'no_agency'; END IF;
  END IF;
  new_id := nextval(pg_get_serial_sequence('accounts_agency', 'id'));
  INSERT INTO accounts_agency (id, code, name, kind, parent_id, path, state, city)
  VALUES (new_id, v ->> 'code', v ->> 'name', v ->> 'kind', up.id, coalesce(up.path, '/') || new_id || '/', v ->> 'state', v ->> 'city');
  RETURN 'done';
END $$;
-- One account: name, job, team and agency are changed, a role is given or lasts longer. Nothing is taken, nobody switched off.
CREATE OR REPLACE FUNCTION import_account(l accounts_importline, maker bigint, OUT outcome text, OUT companion bigint, OUT moved bigint)
  LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp AS $$
DECLARE u accounts_user; a accounts_agency; v jsonb := l.values; until date := nullif(l.values ->> 'until', '')::date; n int := 0; touched int; moves boolean;
BEGIN
  SELECT * INTO u FROM accounts_user x WHERE x.email = v ->> 'email' FOR NO KEY UPDATE;
  IF NOT FOUND THEN outcome := 'meanwhile'; RETURN; END IF;
  SELECT * INTO a FROM agency_by_code(v ->> 'agency');
  IF a.id IS NULL THEN outcome := 'no_agency'; RETURN; END IF;
  IF changed_meanwhile(l.changes, jsonb_build_object('name', u.name, 'job', u.job, 'team', u.team,
       'agency', (SELECT x.code FROM accounts_agency x WHERE x.id = u.agency_id))) THEN outcome := 'meanwhile'; RETURN; END IF;
  moves := l.changes ? 'agency' AND u.agency_id <> a.id;
  UPDATE accounts_user x SET name = coalesce(l.changes -> 'name' ->> 1, x.name), job = coalesce(l.changes -> 'job' ->> 1, x.job),
         team = coalesce(l.changes -> 'team' ->> 1, x.team), agency_id = CASE WHEN moves THEN a.id ELSE x.agency_id END,
         agency_since = CASE WHEN moves THEN app_now() ELSE x.agency_since END
   WHERE x.id = u.id AND (x.name, x.job, x.team, x.agency_id) IS DISTINCT FROM
         (coalesce(l.changes -> 'name' ->> 1, x.name), coalesce(l.changes -> 'job' ->> 1, x.job),
          coalesce(l.changes -> 'team' ->> 1, x.team), CASE WHEN moves THEN a.id ELSE x.agency_id END);
  GET DIAGNOSTICS n = ROW_COUNT;
  moved := CASE WHEN moves THEN u.id END;
  IF l.changes ?| ARRAY['role', 'until'] THEN
    UPDATE accounts_rolegrant g SET ends_on = until
     WHERE g.user_id = u.id AND g.role = v ->> 'role' AND g.agency_id = a.id AND g.starts_on <= app_today()
       AND g.ends_on >= app_today() AND g.ends_on < until;
    GET DIAGNOSTICS touched = ROW_COUNT;
    n := n + touched;
    IF NOT EXISTS (SELECT FROM accounts_rolegrant g WHERE g.user_id = u.id AND g.role = v ->> 'role' AND g.agency_id = a.id
                    AND g.starts_on <= app_today() AND coalesce(g.ends_on, 'infinity') >= app_today()) THEN
      INSERT INTO accounts_rolegrant (user_id, role, agency_id, starts_on, ends_on, granted_by_id)
      VALUES (u.id, v ->> 'role', a.id, app_today(), until, maker);
      n := n + 1;
      companion := CASE WHEN v ->> 'role' = 'companion' THEN u.id END;
    END IF;
  END IF;
  outcome := CASE WHEN n > 0 THEN 'done' ELSE 'already' END;
END $$;
-- One invitation, or another one in place of one that is open. Who has come in since is left alone.
CREATE OR REPLACE FUNCTION import_invitation(l accounts_importline, maker bigint, hash text, OUT outcome text, OUT invitation bigint)
  LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp AS $$
DECLARE a accounts_agency; open accounts_invitation; v jsonb := l.values; there jsonb;
BEGIN
  IF EXISTS (SELECT FROM accounts_user x WHERE x.email = v ->> 'email') THEN outcome := 'meanwhile'; RETURN; END IF;
  IF nullif(v ->> 'until', '')::date < app_today() THEN outcome := 'meanwhile'; RETURN; END IF;
  SELECT * INTO a FROM agency_by_code(v ->> 'agency');
  IF a.id IS NULL THEN outcome := 'no_agency'; RETURN; END IF;
  SELECT * INTO open FROM accounts_invitation i
   WHERE i.email = v ->> 'email' AND i.accepted_at IS NULL AND i.withdrawn_at IS NULL FOR NO KEY UPDATE;
  IF FOUND AND open.expires_at > app_now() THEN
    there := jsonb_build_object('name', open.name, 'job', open.job, 'team', open.team, 'language', open.language, 'role', open.role,
      'until', coalesce(open.role_until::text, ''), 'agency', (SELECT x.code FROM accounts_agency x WHERE x.id = open.agency_id));
    IF there <@ v THEN outcome := 'already'; RETURN; END IF;
    IF l.verdict = 'new' OR changed_meanwhile(l.changes, there) THEN outcome := 'meanwhile'; RETURN; END IF;
  END IF;
  UPDATE accounts_invitation i SET withdrawn_at = app_now() WHERE i.id = open.id;
  INSERT INTO accounts_invitation (email, name, agency_id, role, role_until, job, team, language, token_hash, invited_by_id, invited_at, expires_at)
  VALUES (v ->> 'email', v ->> 'name', a.id, v ->> 'role', nullif(v ->> 'until', '')::date, v ->> 'job', v ->> 'team',
          v ->> 'language', hash, maker, app_now(), app_now() + interval '7 days')
  RETURNING id INTO invitation;
  outcome := 'done';
END $$;
-- The next lines of a file, as many as there are hashes; the file is done when there are none. Answers a row for each line:
-- its place, and the invitation, the new companion or the change of agency that came of it, of which somebody is told. Each line is decided anew, whatever the preview said.
CREATE OR REPLACE FUNCTION import_batch(wanted uuid, hashes text[], seconds int)
  RETURNS TABLE (place int, invitation bigint, address text, spoken text, companion bigint, moved bigint)
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE f accounts_importfile; l accounts_importline; became text; allowed boolean;
BEGIN
  SELECT * INTO f FROM accounts_importfile x WHERE x.id = wanted AND x.state = 'taking_over' FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  allowed := EXISTS (SELECT FROM accounts_rolegrant g JOIN accounts_user u ON u.id = g.user_id AND u.is_active
                      WHERE g.user_id = f.made_by_id AND g.role = 'administrator' AND g.starts_on <= app_today()
                        AND coalesce(g.ends_on, 'infinity') >= app_today());
  place := 0;
  FOR l IN SELECT * FROM accounts_importline x
            WHERE x.file_id = f.id AND x.outcome = '' AND x.verdict IN ('new', 'changed') AND (f.invite OR NOT x.invites)
            ORDER BY x.position LIMIT cardinality(hashes)
  LOOP
    place := place + 1; invitation := NULL; companion := NULL; moved := NULL; address := l.values ->> 'email'; spoken := l.values ->> 'language';
    BEGIN
      IF NOT allowed THEN became := 'not_allowed';
      ELSIF f.kind = 'agencies' THEN became := import_agency(l);
      ELSIF l.invites THEN SELECT i.outcome, i.invitation INTO became, invitation FROM import_invitation(l, f.made_by_id, hashes[place]) i;
      ELSE SELECT i.outcome, i.companion, i.moved INTO became, companion, moved FROM import_account(l, f.made_by_id) i;
      END IF;
    EXCEPTION WHEN unique_violation OR foreign_key_violation OR check_violation THEN became := 'meanwhile'; invitation := NULL; companion := NULL; moved := NULL;
    END;
    IF moved IS NOT NULL THEN spoken := (SELECT u.language FROM accounts_user u WHERE u.id = moved); END IF;
    UPDATE accounts_importline x SET outcome = became WHERE x.id = l.id;
    RETURN NEXT;
  END LOOP;
  UPDATE accounts_importfile x SET changed_at = app_now(), claimed_until = app_now() + seconds * interval '1 second',
         state = CASE WHEN place = 0 THEN 'done' ELSE x.state END WHERE x.id = f.id;
END $$;
REVOKE ALL ON FUNCTION imports_wait(), import_claim(int), import_let_go(uuid, boolean), changed_meanwhile(jsonb, jsonb), agency_by_code(text),
  import_agency(accounts_importline), import_account(accounts_importline, bigint),
  import_invitation(accounts_importline, bigint, text), import_batch(uuid, text[], int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION imports_wait(), import_claim(int), import_let_go(uuid, boolean), import_batch(uuid, text[], int) TO lern_worker;
