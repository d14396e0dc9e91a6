-- Which rows of the work together a person sees, who may change them, and the rules that hold even against our own code.

-- The two of an engagement. Coordinators see the engagement's row while a companion is looked for, and never more.
CREATE OR REPLACE FUNCTION app_is_pair(engagement uuid) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM engagements_engagement e
    WHERE e.id = engagement
      AND CASE app_user_id() WHEN e.learner_id THEN true
            WHEN e.companion_id THEN e.closed_at IS NULL OR e.closed_at > app_now() - interval '30 days'
            ELSE false END)
$$;
-- The engagements one learns in, and those one accompanies (until 30 days after closing): asked once per query.
CREATE OR REPLACE FUNCTION app_learning() RETURNS uuid[]
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT coalesce(array_agg(e.id), '{}') FROM engagements_engagement e WHERE e.learner_id = app_user_id()
$$;
CREATE OR REPLACE FUNCTION app_accompanying() RETURNS uuid[]
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT coalesce(array_agg(e.id), '{}') FROM engagements_engagement e
   WHERE e.companion_id = app_user_id() AND (e.closed_at IS NULL OR e.closed_at > app_now() - interval '30 days')
$$;
CREATE OR REPLACE FUNCTION app_is_learner(engagement uuid) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM engagements_engagement e WHERE e.id = engagement AND e.learner_id = app_user_id())
$$;
REVOKE ALL ON FUNCTION app_is_pair(uuid), app_learning(), app_accompanying(), app_is_learner(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app_is_pair(uuid), app_learning(), app_accompanying(), app_is_learner(uuid) TO lern_app;

-- ── engagements ────────────────────────────────────────────────────────────
GRANT SELECT, INSERT, DELETE ON engagements_engagement TO lern_app;
-- Who learns, and when it began, never changes.
REVOKE UPDATE ON engagements_engagement FROM lern_app;
GRANT UPDATE (companion_id, state, coordinating_agency_id, occasion_id, programme_id, wish, format, spoken, trainee_welcome, needs, earliest_start,
              forward_to_id, requested_at, offered_at, introduced_at, started_at, paused_at, quiet_asked_on, closed_at) ON engagements_engagement TO lern_app;
GRANT SELECT (id, state, learner_id, companion_id, offered_at, coordinating_agency_id) ON engagements_engagement TO lern_worker;
ALTER TABLE engagements_engagement ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "engagements: the pair, and coordinators of open requests" ON engagements_engagement FOR SELECT TO lern_app
  USING (CASE (SELECT app_user_id())
           WHEN learner_id THEN true
           WHEN companion_id THEN closed_at IS NULL OR closed_at > (SELECT app_now()) - interval '30 days'
           ELSE state IN ('requested', 'matching', 'offered')
                AND coordinating_agency_id IN (SELECT app_coordinated_agencies()) END);
CREATE POLICY "engagements: begin as a learner" ON engagements_engagement FOR INSERT TO lern_app
  WITH CHECK (learner_id = (SELECT app_user_id()) AND state = 'draft');
-- A companion whose thirty days are over changes nothing either, or could give them back to themselves: an UPDATE without
-- a WHERE asks no policy for reading.
CREATE POLICY "engagements: the pair moves it on" ON engagements_engagement FOR UPDATE TO lern_app
  USING (CASE (SELECT app_user_id()) WHEN learner_id THEN true
         WHEN companion_id THEN closed_at IS NULL OR closed_at > (SELECT app_now()) - interval '30 days'
         ELSE state IN ('requested', 'matching') AND coordinating_agency_id IN (SELECT app_coordinated_agencies()) END)
  WITH CHECK (CASE (SELECT app_user_id()) WHEN learner_id THEN true WHEN companion_id THEN true
         ELSE state IN ('requested', 'matching') AND companion_id IS NULL
              AND coordinating_agency_id IN (SELECT app_coordinated_agencies()) END);
CREATE POLICY "engagements: discard a draft" ON engagements_engagement FOR DELETE TO lern_app
  USING (learner_id = (SELECT app_user_id()) AND state IN ('draft', 'withdrawn'));
CREATE POLICY "engagements: the worker checks states" ON engagements_engagement FOR SELECT TO lern_worker
  USING (state IN ('requested', 'matching', 'offered', 'introduction', 'active', 'paused'));

-- The row of a person who is one of the two, or whose open request one coordinates; companions are public in-house.
-- Asked once a statement and by index; an EXISTS beside each person would read all engagements (tests/test_plans.py).
CREATE OR REPLACE FUNCTION app_partners() RETURNS SETOF bigint
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT e.companion_id FROM engagements_engagement e WHERE e.learner_id = app_user_id() AND e.companion_id IS NOT NULL
  UNION ALL
  SELECT e.learner_id FROM engagements_engagement e
   WHERE e.companion_id = app_user_id() AND (e.closed_at IS NULL OR e.closed_at > app_now() - interval '30 days')
$$;
CREATE OR REPLACE FUNCTION app_requesters() RETURNS SETOF bigint
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT e.learner_id
    FROM (SELECT app_coordinated_agencies() AS id) a, LATERAL (
      SELECT e.learner_id FROM engagements_engagement e
       WHERE e.state IN ('requested', 'matching', 'offered') AND e.coordinating_agency_id = a.id
      OFFSET 0) e  -- agency by agency, by index: else all open requests are read, also for those who coordinate none
$$;
REVOKE ALL ON FUNCTION app_partners(), app_requesters() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app_partners(), app_requesters() TO lern_app;
CREATE POLICY "engagements: partners and requesters" ON accounts_user FOR SELECT TO lern_app
  USING (CASE WHEN id = (SELECT app_user_id()) THEN true  -- oneself: without asking for them
              WHEN id IN (SELECT app_partners()) THEN true
              -- A coordination sees its agencies' people anyway (accounts); so the requests, hundreds, are seldom asked for.
              WHEN agency_id IN (SELECT app_coordinated_agencies()) THEN true
              ELSE id IN (SELECT app_requesters()) END);
-- A value, not an EXISTS, which would be answered by reading all profiles for each statement. Policies are asked from the end of
-- the alphabet: this one before the partners, whom a coordination has by the thousand.
CREATE POLICY "engagements: who accompanies is known" ON accounts_user FOR SELECT TO lern_app
  USING ((SELECT app_user_id()) IS NOT NULL
         AND (SELECT true FROM engagements_companionprofile p WHERE p.user_id = accounts_user.id));
CREATE POLICY "engagements: keys of the pair" ON accounts_datakey FOR SELECT TO lern_app
  USING (owner_id IS NULL AND app_is_pair(id));
CREATE POLICY "engagements: the learner makes the key" ON accounts_datakey FOR INSERT TO lern_app
  WITH CHECK (owner_id IS NULL AND app_is_learner(id));
CREATE POLICY "engagements: the learner destroys the key" ON accounts_datakey FOR DELETE TO lern_app
  USING (owner_id IS NULL AND app_is_learner(id));
CREATE POLICY "engagements: both read the lines" ON accounts_auditevent FOR SELECT TO lern_app
  USING (subject IS NOT NULL AND app_is_pair(subject));

-- ── companions ─────────────────────────────────────────────────────────────
GRANT SELECT ON engagements_occasion, engagements_companionprofile_occasions TO lern_app;
GRANT INSERT, DELETE ON engagements_companionprofile_occasions TO lern_app;
GRANT INSERT, UPDATE ON engagements_occasion TO lern_app;
ALTER TABLE engagements_occasion ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "engagements: occasions are known" ON engagements_occasion FOR SELECT TO lern_app USING (true);
CREATE POLICY "engagements: administrators add occasions" ON engagements_occasion FOR INSERT TO lern_app
  WITH CHECK ((SELECT app_has_role('administrator')));
CREATE POLICY "engagements: administrators change occasions" ON engagements_occasion FOR UPDATE TO lern_app
  USING ((SELECT app_has_role('administrator'))) WITH CHECK ((SELECT app_has_role('administrator')));

-- Programmes are known; the administration writes them. A version never changes: a change makes another one.
GRANT SELECT, INSERT, UPDATE ON engagements_programme TO lern_app;
ALTER TABLE engagements_programme ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "engagements: programmes are known" ON engagements_programme FOR SELECT TO lern_app
  USING ((SELECT app_user_id()) IS NOT NULL);
CREATE POLICY "engagements: administrators add programmes" ON engagements_programme FOR INSERT TO lern_app
  WITH CHECK ((SELECT app_has_role('administrator')));
CREATE POLICY "engagements: administrators change programmes" ON engagements_programme FOR UPDATE TO lern_app
  USING ((SELECT app_has_role('administrator'))) WITH CHECK ((SELECT app_has_role('administrator')));
GRANT SELECT, INSERT ON engagements_programmeversion TO lern_app;
ALTER TABLE engagements_programmeversion ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "engagements: versions of programmes are known" ON engagements_programmeversion FOR SELECT TO lern_app
  USING ((SELECT app_user_id()) IS NOT NULL);
CREATE POLICY "engagements: administrators add versions" ON engagements_programmeversion FOR INSERT TO lern_app
  WITH CHECK (made_by_id = (SELECT app_user_id()) AND (SELECT app_has_role('administrator')));

GRANT SELECT, INSERT, UPDATE ON engagements_companionprofile TO lern_app;
ALTER TABLE engagements_companionprofile ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "engagements: profiles are known" ON engagements_companionprofile FOR SELECT TO lern_app
  USING ((SELECT app_user_id()) IS NOT NULL OR (SELECT app_door_open()));
-- Their own profile is the companion's to write, but for the qualification: that is the administration's.
CREATE OR REPLACE FUNCTION qualification_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_user = 'lern_app' AND NOT app_has_role('administrator') THEN
    RAISE EXCEPTION 'qualifications are entered by the administration' USING ERRCODE = '42501';
  END IF;
  RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS qualification_guard ON engagements_companionprofile;
CREATE TRIGGER qualification_guard BEFORE UPDATE ON engagements_companionprofile FOR EACH ROW
  WHEN (NEW.qualified_until IS DISTINCT FROM OLD.qualified_until OR NEW.in_training IS DISTINCT FROM OLD.in_training)
  EXECUTE FUNCTION qualification_guard();
-- Whose qualification ends soon, for the worker: who accompanies today and is not in training.
CREATE OR REPLACE FUNCTION qualifications_ending(until date) RETURNS TABLE (companion bigint, language text, ends_on date)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT u.id, u.language, p.qualified_until FROM engagements_companionprofile p JOIN accounts_user u ON u.id = p.user_id AND u.is_active
   WHERE p.qualified_until BETWEEN app_today() AND until AND NOT p.in_training
     AND EXISTS (SELECT FROM accounts_rolegrant g WHERE g.user_id = u.id AND g.role = 'companion'
                    AND g.starts_on <= app_today() AND coalesce(g.ends_on, 'infinity') >= app_today())
$$;
REVOKE ALL ON FUNCTION qualifications_ending(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION qualifications_ending(date) TO lern_worker;
CREATE POLICY "engagements: own profile" ON engagements_companionprofile FOR UPDATE TO lern_app
  USING (user_id = (SELECT app_user_id()) OR (SELECT app_has_role('administrator')))
  WITH CHECK (user_id = (SELECT app_user_id()) OR (SELECT app_has_role('administrator')));
CREATE POLICY "engagements: new profile" ON engagements_companionprofile FOR INSERT TO lern_app
  WITH CHECK (user_id = (SELECT app_user_id()) OR (SELECT app_has_role('administrator')) OR (SELECT app_door_open()));
ALTER TABLE engagements_companionprofile_occasions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "engagements: occasions of profiles" ON engagements_companionprofile_occasions FOR SELECT TO lern_app USING (true);
CREATE POLICY "engagements: own occasions" ON engagements_companionprofile_occasions TO lern_app
  USING (companionprofile_id = (SELECT app_user_id())) WITH CHECK (companionprofile_id = (SELECT app_user_id()));

-- Counters are written by the trigger below, never by the web role.
GRANT SELECT, INSERT, UPDATE (capacity) ON engagements_companionload TO lern_app;
ALTER TABLE engagements_companionload ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "engagements: places for companions and coordinators" ON engagements_companionload FOR SELECT TO lern_app
  USING (companion_id = (SELECT app_user_id()) OR (SELECT app_has_role('coordinator')));
CREATE POLICY "engagements: own capacity" ON engagements_companionload FOR UPDATE TO lern_app
  USING (companion_id = (SELECT app_user_id())) WITH CHECK (companion_id = (SELECT app_user_id()));
CREATE POLICY "engagements: new places" ON engagements_companionload FOR INSERT TO lern_app
  WITH CHECK (taken = 0 AND held = 0 AND (companion_id = (SELECT app_user_id())
              OR (SELECT app_has_role('administrator')) OR (SELECT app_door_open())));

-- Where matching_first() finds a companion: how full in tenths (capacity 0 is full), in which agency.
CREATE OR REPLACE FUNCTION lay_out_companion() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  NEW.fullness := least(coalesce(round((NEW.taken + NEW.held) * 10 / nullif(NEW.capacity, 0)::float8), 10), 10);
  NEW.agency_id := (SELECT u.agency_id FROM accounts_user u WHERE u.id = NEW.companion_id);
  RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION move_companion() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE engagements_companionload SET agency_id = NEW.agency_id WHERE companion_id = NEW.id;
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER lay_out_companion BEFORE INSERT OR UPDATE ON engagements_companionload
  FOR EACH ROW EXECUTE FUNCTION lay_out_companion();
CREATE OR REPLACE TRIGGER move_companion AFTER UPDATE OF agency_id ON accounts_user
  FOR EACH ROW WHEN (NEW.agency_id IS DISTINCT FROM OLD.agency_id) EXECUTE FUNCTION move_companion();
UPDATE engagements_companionload SET capacity = capacity WHERE agency_id IS NULL;  -- rows of before these triggers

-- The worker lays them for companions who have come by a file (accounts/import_work.py), and reads none.
CREATE OR REPLACE FUNCTION accompanies(person bigint) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM accounts_rolegrant g WHERE g.user_id = person AND g.role = 'companion'
                  AND coalesce(g.ends_on, 'infinity') >= app_today())
$$;
REVOKE ALL ON FUNCTION accompanies(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION accompanies(bigint) TO lern_worker;
GRANT INSERT ON engagements_companionprofile, engagements_companionload TO lern_worker;
CREATE POLICY "engagements: the worker lays profiles" ON engagements_companionprofile FOR INSERT TO lern_worker
  WITH CHECK (in_training AND accompanies(user_id));
CREATE POLICY "engagements: the worker lays places" ON engagements_companionload FOR INSERT TO lern_worker
  WITH CHECK (taken = 0 AND held = 0 AND accompanies(companion_id));

GRANT SELECT, INSERT, DELETE ON engagements_conflictdeclaration, engagements_veto TO lern_app;
ALTER TABLE engagements_conflictdeclaration ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "engagements: own declarations" ON engagements_conflictdeclaration TO lern_app
  USING (declared_by_id = (SELECT app_user_id())) WITH CHECK (declared_by_id = (SELECT app_user_id()));
ALTER TABLE engagements_veto ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "engagements: own vetoes" ON engagements_veto TO lern_app
  USING (owner_id = (SELECT app_user_id())) WITH CHECK (owner_id = (SELECT app_user_id()));

-- A substitute in an absence: asked by the companion, answered by the other one; the learners accompanied now see a yes.
GRANT SELECT, INSERT, DELETE, UPDATE (agreed_at) ON engagements_substitution TO lern_app;
ALTER TABLE engagements_substitution ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "engagements: the two, and learners after a yes" ON engagements_substitution FOR SELECT TO lern_app
  USING ((SELECT app_user_id()) IN (companion_id, substitute_id)
         OR agreed_at IS NOT NULL AND companion_id IN (
              SELECT e.companion_id FROM engagements_engagement e
               WHERE e.learner_id = (SELECT app_user_id()) AND e.state IN ('introduction', 'active', 'paused')));
CREATE POLICY "engagements: companions ask for a substitute" ON engagements_substitution FOR INSERT TO lern_app
  WITH CHECK (companion_id = (SELECT app_user_id()) AND agreed_at IS NULL AND (SELECT app_has_role('companion')));
CREATE POLICY "engagements: the substitute says yes" ON engagements_substitution FOR UPDATE TO lern_app
  USING (substitute_id = (SELECT app_user_id())) WITH CHECK (substitute_id = (SELECT app_user_id()));
CREATE POLICY "engagements: either ends a substitution" ON engagements_substitution FOR DELETE TO lern_app
  USING ((SELECT app_user_id()) IN (companion_id, substitute_id));

-- ── the hard exclusions, in one place (design/domain.md, section 6) ────────
-- Every companion (or these) with the rules that speak against this pair. H7, the private veto, is among them: no role may call
-- this function; what is shown goes through matching_candidates(), which leaves vetoed people out without a trace.
DROP FUNCTION IF EXISTS companion_rules(uuid, bigint);
CREATE OR REPLACE FUNCTION companion_rules(engagement uuid, people bigint[] DEFAULT NULL)
  RETURNS TABLE (companion_id bigint, rules text[], capacity int, taken int, held int)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
  SET enable_mergejoin = off SET enable_hashjoin = off AS $$  -- some people, by their ids; not all of them beside these
  WITH e AS (
    SELECT e.id, e.learner_id, e.companion_id, e.state, e.wish, e.format, e.spoken, e.trainee_welcome, e.needs, u.agency_id, u.team
      FROM engagements_engagement e JOIN accounts_user u ON u.id = e.learner_id WHERE e.id = engagement),
  declared AS (
    SELECT CASE WHEN c.declared_by_id = e.learner_id THEN c.other_id ELSE c.declared_by_id END AS person,
           array_agg(DISTINCT c.rule) AS rules
      FROM engagements_conflictdeclaration c, e WHERE c.declared_by_id = e.learner_id OR c.other_id = e.learner_id GROUP BY 1),
  vetoed AS MATERIALIZED (
    SELECT CASE WHEN v.owner_id = e.learner_id THEN v.other_id ELSE v.owner_id END AS person
      FROM engagements_veto v, e WHERE v.owner_id = e.learner_id OR v.other_id = e.learner_id),
  reciprocal AS (
    SELECT r.learner_id AS person FROM engagements_engagement r, e
     WHERE r.companion_id = e.learner_id AND r.state IN ('offered', 'introduction', 'active', 'paused'))
  SELECT p.user_id,
         coalesce(d.rules, '{}')
         || CASE WHEN e.team <> '' AND e.team = u.team AND e.agency_id = u.agency_id
                      AND NOT coalesce('H3' = ANY (d.rules), false) THEN '{H3}'::text[] ELSE '{}' END
         || CASE WHEN NOT EXISTS (SELECT FROM accounts_rolegrant g WHERE g.user_id = u.id AND g.role = 'companion'
                                   AND g.starts_on <= app_today() AND coalesce(g.ends_on, 'infinity') >= app_today())
                      OR coalesce(p.qualified_until, '-infinity') < app_today() AND NOT p.in_training
                      OR p.in_training AND NOT e.trainee_welcome THEN '{H5}'::text[] ELSE '{}' END
         || CASE WHEN p.is_paused OR NOT u.is_active
                      OR u.absent_from <= app_today() AND coalesce(u.absent_until, 'infinity') >= app_today()
                      OR l.taken + l.held - CASE WHEN e.companion_id = u.id
                           AND e.state IN ('offered', 'introduction', 'active', 'paused') THEN 1 ELSE 0 END >= l.capacity
                 THEN '{H6}'::text[] ELSE '{}' END
         || CASE WHEN EXISTS (SELECT FROM vetoed v WHERE v.person = u.id) THEN '{H7}'::text[] ELSE '{}' END
         || CASE WHEN EXISTS (SELECT FROM reciprocal r WHERE r.person = u.id) THEN '{H8}'::text[] ELSE '{}' END
         || CASE WHEN e.wish = 'elsewhere' AND e.agency_id = u.agency_id THEN '{H9}'::text[] ELSE '{}' END
         || CASE WHEN e.format <> 'any' AND NOT e.format = ANY (p.formats)
                      OR NOT e.spoken = ANY (p.languages) OR NOT e.needs <@ p.settings THEN '{H10}'::text[] ELSE '{}' END,
         l.capacity, l.taken, l.held
    FROM e
    JOIN engagements_companionprofile p ON p.user_id <> e.learner_id
    JOIN accounts_user u ON u.id = p.user_id
    JOIN engagements_companionload l ON l.companion_id = p.user_id
    LEFT JOIN declared d ON d.person = p.user_id
   WHERE p.user_id = ANY (coalesce(people, ARRAY(SELECT user_id FROM engagements_companionprofile)))
$$;
REVOKE ALL ON FUNCTION companion_rules(uuid, bigint[]) FROM PUBLIC;

-- All companions, or these, for the coordinators of the request (with places) and for its learner (without). Others get nothing.
DROP FUNCTION IF EXISTS matching_candidates(uuid);
CREATE OR REPLACE FUNCTION matching_candidates(engagement uuid, people bigint[] DEFAULT NULL)
  RETURNS TABLE (companion_id bigint, rules text[], capacity int, taken int, held int)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT r.companion_id, r.rules,
         CASE WHEN e.learner_id = app_user_id() THEN NULL ELSE r.capacity END,
         CASE WHEN e.learner_id = app_user_id() THEN NULL ELSE r.taken END,
         CASE WHEN e.learner_id = app_user_id() THEN NULL ELSE r.held END
    FROM engagements_engagement e, companion_rules(engagement, people) r
   WHERE e.id = engagement AND NOT 'H7' = ANY (r.rules)
     AND (e.learner_id = app_user_id()
          OR e.state IN ('requested', 'matching', 'offered') AND e.coordinating_agency_id IN (SELECT app_coordinated_agencies()))
$$;
REVOKE ALL ON FUNCTION matching_candidates(uuid, bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION matching_candidates(uuid, bigint[]) TO lern_app;

-- The first possible companions of a request in the soft order: the wish for the agency, how full (in tenths), experience
-- with the occasion, the region, the town where meeting on site is wished, then lots, one for each request and companion.
-- Group after group in that order, and the rules only for those in turn, until there are enough: with thousands of
-- companions as fast as with fifty. To the learner's own eyes all are equally full, as in matching_candidates().
CREATE OR REPLACE FUNCTION as_compared(town text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT replace(lower(btrim(town)), 'ß', 'ss')
$$;
CREATE OR REPLACE FUNCTION matching_first(engagement uuid, wanted int)
  RETURNS TABLE (companion_id bigint, rules text[], capacity int, taken int, held int)
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE asked record; step record; near bigint[]; others bigint[]; people bigint[] := '{}'; batch bigint[]; size int := 2 * wanted;
        got int; lots bigint := hashtextextended(engagement::text, 0);
BEGIN
  SELECT e.wish, e.occasion_id, e.format = 'on_site' AS on_site, e.learner_id = app_user_id() AS own, a.id AS agency,
         '/' || split_part(a.path, '/', 2) || '/' || split_part(a.path, '/', 3) || '/' AS region, as_compared(a.city) AS town,
         CASE e.format WHEN 'on_site' THEN ARRAY(SELECT b.id FROM accounts_agency b WHERE as_compared(b.city) = as_compared(a.city)) END AS here
    INTO asked FROM engagements_engagement e JOIN accounts_user u ON u.id = e.learner_id JOIN accounts_agency a ON a.id = u.agency_id
   WHERE e.id = engagement AND (e.learner_id = app_user_id()
         OR e.state IN ('requested', 'matching', 'offered') AND e.coordinating_agency_id IN (SELECT app_coordinated_agencies()));
  IF asked.agency IS NULL THEN
    RETURN;
  END IF;
  near := ARRAY(SELECT a.id FROM accounts_agency a WHERE starts_with(a.path, asked.region) AND a.id <> asked.agency);
  FOR step IN
    SELECT levels.full, knows.it AS known, areas.elsewhere,
           CASE WHEN areas.elsewhere THEN NULL WHEN areas.unwished THEN near
                WHEN asked.wish = 'own_agency' THEN ARRAY[asked.agency] ELSE near || asked.agency END AS agencies,
           lead(true) OVER (ORDER BY unwished, levels.full, NOT knows.it, elsewhere) IS NULL AS last
      FROM (SELECT false AS unwished, false AS elsewhere UNION SELECT asked.wish = 'own_agency', unnest(ARRAY[false, true])) areas,
           (SELECT array_agg(n) AS full FROM generate_series(0, 10) n
             WHERE EXISTS (SELECT FROM engagements_companionload l WHERE l.fullness = n)
             GROUP BY CASE WHEN asked.own THEN 0 ELSE n END) levels,
           (SELECT false UNION SELECT EXISTS (SELECT FROM engagements_companionprofile_occasions o
                                               WHERE o.occasion_id = asked.occasion_id)) knows(it)
     ORDER BY unwished, levels.full, NOT knows.it, elsewhere
  LOOP
    IF step.elsewhere AND others IS NULL THEN  -- hundreds, which seldom come to their turn
      others := ARRAY(SELECT a.id FROM accounts_agency a WHERE a.id <> ALL (near || asked.agency));
    END IF;
    people := people || ARRAY(
      SELECT l.companion_id FROM engagements_companionload l
       WHERE l.fullness = ANY (step.full) AND l.agency_id = ANY (coalesce(step.agencies, others))
         AND step.known = (l.companion_id IN (SELECT o.companionprofile_id FROM engagements_companionprofile_occasions o
                                               WHERE o.occasion_id = asked.occasion_id))
       ORDER BY asked.on_site AND NOT EXISTS (
                  SELECT FROM engagements_companionprofile p WHERE p.user_id = l.companion_id AND 'on_site' = ANY (p.formats)
                     AND CASE p.places WHEN '{}' THEN l.agency_id = ANY (asked.here)
                         ELSE asked.town IN (SELECT as_compared(unnest(p.places))) END),
                hashint8extended(l.companion_id, lots));
    WHILE cardinality(people) >= CASE step.last WHEN true THEN 1 ELSE size END LOOP  -- the rules for many at once, or for the rest
      batch := people[:size];
      RETURN QUERY SELECT r.* FROM companion_rules(engagement, batch) r JOIN unnest(batch) WITH ORDINALITY turn(id, place) ON id = r.companion_id
                    WHERE r.rules = '{}' ORDER BY place LIMIT wanted;
      GET DIAGNOSTICS got = ROW_COUNT;
      wanted := wanted - got;
      IF wanted <= 0 THEN
        RETURN;
      END IF;
      people := people[size + 1:];
      size := 2 * size;
    END LOOP;
  END LOOP;
END $$;
REVOKE ALL ON FUNCTION matching_first(uuid, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION matching_first(uuid, int) TO lern_app;

-- Who of these (of all, if not said) could take somebody now, for the directory: yes or no, never how full.
DROP FUNCTION IF EXISTS companions_with_free_place();
CREATE OR REPLACE FUNCTION companions_with_free_place(people bigint[] DEFAULT NULL) RETURNS SETOF bigint
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT p.user_id
    FROM engagements_companionprofile p
    JOIN engagements_companionload l ON l.companion_id = p.user_id AND l.taken + l.held < l.capacity
    JOIN accounts_user u ON u.id = p.user_id AND u.is_active
   WHERE app_user_id() IS NOT NULL AND (people IS NULL OR p.user_id = ANY (people)) AND NOT p.is_paused
     AND NOT coalesce(u.absent_from <= app_today() AND coalesce(u.absent_until, 'infinity') >= app_today(), false)
     AND (p.in_training OR coalesce(p.qualified_until, '-infinity') >= app_today())
$$;

-- The id behind an address, to be excluded; the page answers the same with and without.
CREATE OR REPLACE FUNCTION person_with_address(address text) RETURNS bigint
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT u.id FROM accounts_user u WHERE app_user_id() IS NOT NULL AND u.email = lower(address)
$$;

REVOKE ALL ON FUNCTION companions_with_free_place(bigint[]), person_with_address(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION companions_with_free_place(bigint[]), person_with_address(text) TO lern_app;

-- Checked again, in the database, when somebody is proposed, asked, or accepts. The name of the constraint says nothing
-- of the rule: a veto must not show.
CREATE OR REPLACE FUNCTION refuse_excluded(engagement uuid, companion bigint) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM FROM engagements_companionload WHERE companion_id = companion FOR NO KEY UPDATE;  -- one place, one taker
  IF NOT EXISTS (SELECT FROM companion_rules(engagement, ARRAY[companion]) r WHERE r.rules = '{}') THEN
    RAISE EXCEPTION 'companion not possible' USING ERRCODE = 'check_violation', CONSTRAINT = 'companion_possible';
  END IF;
END $$;
REVOKE ALL ON FUNCTION refuse_excluded(uuid, bigint) FROM PUBLIC;

CREATE OR REPLACE FUNCTION proposal_guard() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM refuse_excluded(NEW.engagement_id, NEW.companion_id);
  RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS proposal_guard ON engagements_companionproposal;
CREATE TRIGGER proposal_guard BEFORE INSERT ON engagements_companionproposal
  FOR EACH ROW WHEN (NEW.answer = 'open') EXECUTE FUNCTION proposal_guard();

CREATE OR REPLACE FUNCTION engagement_guard() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM refuse_excluded(NEW.id, NEW.companion_id);
  RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS engagement_guard ON engagements_engagement;
CREATE TRIGGER engagement_guard BEFORE UPDATE ON engagements_engagement
  FOR EACH ROW WHEN (NEW.state IN ('offered', 'introduction') AND NEW.state IS DISTINCT FROM OLD.state
    OR NEW.companion_id IS DISTINCT FROM OLD.companion_id AND NEW.companion_id IS NOT NULL
    OR NEW.state IN ('active', 'paused') AND OLD.state NOT IN ('introduction', 'active', 'paused'))
  EXECUTE FUNCTION engagement_guard();

-- ── programmes: the places they may take at once in a region (engagements/programmes.py) ──
-- The region in an agency's path: /1/4/17/ lies in 1/4; the same as region_of in engagements/programmes.py.
CREATE OR REPLACE FUNCTION region_of(path text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN rtrim(split_part(path, '/', 2) || '/' || split_part(path, '/', 3), '/');

-- How many places are left where any is taken. A proposal promises a place already. Sees what its caller sees.
CREATE OR REPLACE FUNCTION programme_room() RETURNS TABLE (programme uuid, region text, room int) LANGUAGE sql STABLE AS $$
  SELECT p.id, region_of(a.path), p.places - count(*)::int
    FROM engagements_engagement e
    JOIN engagements_programme p ON p.id = e.programme_id AND p.places IS NOT NULL
    JOIN accounts_user u ON u.id = e.learner_id
    JOIN accounts_agency a ON a.id = u.agency_id
   WHERE e.programme_id IS NOT NULL AND e.state IN ('matching', 'offered', 'introduction', 'active', 'paused')
   GROUP BY p.id, region_of(a.path), p.places
$$;
-- Where all places are taken: yes or no, never how many and never whose.
CREATE OR REPLACE FUNCTION full_programmes() RETURNS TABLE (programme uuid, region text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT r.programme, r.region FROM programme_room() r WHERE r.room <= 0 AND app_user_id() IS NOT NULL
$$;
REVOKE ALL ON FUNCTION programme_room(), full_programmes() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION full_programmes() TO lern_app;

-- Counted under a lock on the programme, the last one taken on every way in, so that two at once never get one place.
-- A programme is chosen in a draft, and given up when the wish is withdrawn; in between it stays.
CREATE OR REPLACE FUNCTION programme_guard() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE here text;
BEGIN
  IF NEW.programme_id IS DISTINCT FROM OLD.programme_id AND OLD.state <> 'draft' AND NEW.state <> 'withdrawn' THEN
    RAISE EXCEPTION 'a programme is chosen in a draft' USING ERRCODE = 'check_violation', CONSTRAINT = 'programme_of_a_draft';
  END IF;
  IF NEW.programme_id IS NOT NULL AND NEW.state IN ('matching', 'offered', 'introduction', 'active', 'paused')
     AND OLD.state NOT IN ('matching', 'offered', 'introduction', 'active', 'paused') THEN
    PERFORM FROM engagements_programme p WHERE p.id = NEW.programme_id AND p.places IS NOT NULL FOR NO KEY UPDATE;
    IF FOUND THEN
      SELECT region_of(a.path) INTO here FROM accounts_user u JOIN accounts_agency a ON a.id = u.agency_id WHERE u.id = NEW.learner_id;
      IF EXISTS (SELECT FROM programme_room() r WHERE r.programme = NEW.programme_id AND r.region = here AND r.room <= 0) THEN
        RAISE EXCEPTION 'programme full' USING ERRCODE = 'check_violation', CONSTRAINT = 'programme_has_room';
      END IF;
    END IF;
  END IF;
  RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS programme_guard ON engagements_engagement;
CREATE TRIGGER programme_guard BEFORE UPDATE OF state, programme_id ON engagements_engagement
  FOR EACH ROW WHEN (NEW.programme_id IS NOT NULL OR OLD.programme_id IS NOT NULL) EXECUTE FUNCTION programme_guard();

CREATE OR REPLACE FUNCTION count_places() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE engagements_companionload l
     SET taken = (SELECT count(*) FROM engagements_engagement e
                   WHERE e.companion_id = l.companion_id AND e.state IN ('introduction', 'active', 'paused')),
         held = (SELECT count(*) FROM engagements_engagement e
                  WHERE e.companion_id = l.companion_id AND e.state = 'offered')
   WHERE l.companion_id IN (CASE WHEN TG_OP <> 'INSERT' THEN OLD.companion_id END, CASE WHEN TG_OP <> 'DELETE' THEN NEW.companion_id END);
  RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS count_places ON engagements_engagement;
CREATE TRIGGER count_places AFTER INSERT OR UPDATE OF companion_id, state OR DELETE ON engagements_engagement
  FOR EACH ROW EXECUTE FUNCTION count_places();

-- A companion says no, either says "not a fit", or nobody answers: the row leaves the companion's sight in the same
-- statement, which no policy allows the companion to do; so it is the narrow task of these functions. They answer
-- with the state the engagement went to, or with NULL when there was nothing to release.
CREATE OR REPLACE FUNCTION release_companion(engagement uuid) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE e engagements_engagement; there text;
BEGIN
  SELECT * INTO e FROM engagements_engagement WHERE id = engagement FOR NO KEY UPDATE;
  IF NOT FOUND OR e.state NOT IN ('offered', 'introduction') THEN
    RETURN NULL;
  END IF;
  UPDATE engagements_companionproposal SET answer = 'passed'
   WHERE engagement_id = e.id AND companion_id = e.companion_id AND answer <> 'passed';
  there := CASE WHEN e.coordinating_agency_id IS NULL THEN 'draft'
                WHEN EXISTS (SELECT FROM engagements_companionproposal p WHERE p.engagement_id = e.id AND p.answer = 'open')
                THEN 'matching' ELSE 'requested' END;
  UPDATE engagements_engagement SET state = there, companion_id = NULL, offered_at = NULL, introduced_at = NULL WHERE id = e.id;
  RETURN there;
END $$;
REVOKE ALL ON FUNCTION release_companion(uuid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION engagement_release(engagement uuid) RETURNS text
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT CASE WHEN app_is_pair(engagement) THEN release_companion(engagement) END
$$;
REVOKE ALL ON FUNCTION engagement_release(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engagement_release(uuid) TO lern_app;

-- For the worker: five working days are never fewer than five days; the task counts the working days itself.
CREATE OR REPLACE FUNCTION engagement_return_unanswered(engagement uuid) RETURNS text
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT release_companion(e.id) FROM engagements_engagement e
   WHERE e.id = engagement AND e.state = 'offered' AND e.offered_at < app_now() - interval '5 days'
$$;
REVOKE ALL ON FUNCTION engagement_return_unanswered(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engagement_return_unanswered(uuid) TO lern_worker;

-- ── a companion who is gone (engagements/leaving.py) ───────────────────────
-- The last day of a companion: yesterday, when the role or the account is gone, else the day they have named.
CREATE OR REPLACE FUNCTION companion_leaves(person bigint) RETURNS date
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT CASE WHEN u.is_active AND EXISTS (
                SELECT FROM accounts_rolegrant g WHERE g.user_id = u.id AND g.role = 'companion'
                   AND g.starts_on <= app_today() AND coalesce(g.ends_on, 'infinity') >= app_today())
              THEN p.leaves_on ELSE least(p.leaves_on, app_today() - 1) END
    FROM accounts_user u LEFT JOIN engagements_companionprofile p ON p.user_id = u.id WHERE u.id = person
$$;
-- For one of the two. Nobody else learns by it whose role has ended.
CREATE OR REPLACE FUNCTION companion_leaves_here(engagement uuid) RETURNS date
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT companion_leaves(e.companion_id) FROM engagements_engagement e WHERE e.id = engagement AND app_is_pair(e.id)
$$;
-- Whether a companionship has lost its companion and does not know yet: gone, or absent for more than eight weeks.
CREATE OR REPLACE FUNCTION is_left_alone(e engagements_engagement) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT (e.companion_gone_on IS NULL OR e.state = 'active') AND companion_leaves(e.companion_id) < app_today()
      OR e.state = 'active' AND EXISTS (
           SELECT FROM accounts_user u WHERE u.id = e.companion_id AND u.absent_from <= app_today()
              AND coalesce(u.absent_until, 'infinity') >= app_today() AND coalesce(u.absent_until, 'infinity') > u.absent_from + 56
              AND coalesce(e.companion_gone_on, '-infinity') < u.absent_from)
$$;
CREATE OR REPLACE FUNCTION engagements_left_alone() RETURNS TABLE (engagement uuid)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT e.id FROM engagements_engagement e
   WHERE e.state IN ('introduction', 'active', 'paused') AND is_left_alone(e) ORDER BY e.id
$$;
-- Let it rest, if that is still so; answers the learner, who is asked. Before the two have agreed there is nothing to rest.
CREATE OR REPLACE FUNCTION rest_left_alone(engagement uuid) RETURNS TABLE (user_id bigint, language text)
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE e engagements_engagement;
BEGIN
  SELECT * INTO e FROM engagements_engagement x WHERE x.id = engagement FOR NO KEY UPDATE;
  IF e.state IN ('introduction', 'active', 'paused') AND is_left_alone(e) THEN
    UPDATE engagements_engagement x SET companion_gone_on = app_today(),
           state = CASE WHEN e.state = 'active' THEN 'paused' ELSE e.state END,
           paused_at = CASE WHEN e.state = 'active' THEN app_now() ELSE e.paused_at END WHERE x.id = e.id;
    RETURN QUERY SELECT u.id, u.language::text FROM accounts_user u WHERE u.id = e.learner_id;
  END IF;
END $$;
REVOKE ALL ON FUNCTION companion_leaves(bigint), companion_leaves_here(uuid), is_left_alone(engagements_engagement),
  engagements_left_alone(), rest_left_alone(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION companion_leaves_here(uuid) TO lern_app;
GRANT EXECUTE ON FUNCTION engagements_left_alone(), rest_left_alone(uuid) TO lern_worker;
-- With another companion, or none, nobody is gone.
CREATE OR REPLACE FUNCTION nobody_is_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.companion_gone_on := NULL;
  RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS nobody_is_gone ON engagements_engagement;
CREATE TRIGGER nobody_is_gone BEFORE UPDATE OF companion_id ON engagements_engagement FOR EACH ROW
  WHEN (NEW.companion_id IS DISTINCT FROM OLD.companion_id AND NEW.companion_gone_on IS NOT NULL) EXECUTE FUNCTION nobody_is_gone();

-- Requests that wait, for the worker: states and days, so that the coordination hears of those without a companion (and of
-- nothing else), and the learner once of proposals that lie ready.
CREATE OR REPLACE FUNCTION requests_without_companion()
  RETURNS TABLE (engagement uuid, learner bigint, state text, coordination bigint, requested_at timestamptz, proposed_at timestamptz)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT e.id, e.learner_id, e.state, e.coordinating_agency_id, e.requested_at,
         (SELECT max(p.proposed_at) FROM engagements_companionproposal p WHERE p.engagement_id = e.id AND p.answer = 'open')
    FROM engagements_engagement e WHERE e.state IN ('requested', 'matching')
$$;
CREATE OR REPLACE FUNCTION coordinators_for_worker(agency bigint) RETURNS TABLE (user_id bigint, language text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT * FROM coordinators_of(agency)
$$;
REVOKE ALL ON FUNCTION requests_without_companion(), coordinators_for_worker(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION requests_without_companion(), coordinators_for_worker(bigint) TO lern_worker;

GRANT SELECT, INSERT, UPDATE, DELETE ON engagements_companionproposal TO lern_app;
ALTER TABLE engagements_companionproposal ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "engagements: gone with a discarded draft" ON engagements_companionproposal FOR DELETE TO lern_app
  USING (EXISTS (SELECT FROM engagements_engagement e
                  WHERE e.id = engagement_id AND e.learner_id = (SELECT app_user_id()) AND e.state = 'draft'));
CREATE POLICY "engagements: proposals for learner and coordinators" ON engagements_companionproposal FOR SELECT TO lern_app
  USING (EXISTS (SELECT FROM engagements_engagement e WHERE e.id = engagement_id AND e.companion_id IS DISTINCT FROM (SELECT app_user_id())));
CREATE POLICY "engagements: coordinators propose" ON engagements_companionproposal FOR INSERT TO lern_app
  WITH CHECK (proposed_by_id = (SELECT app_user_id()) AND EXISTS (
    SELECT FROM engagements_engagement e WHERE e.id = engagement_id AND e.state IN ('requested', 'matching')
       AND e.coordinating_agency_id IN (SELECT app_coordinated_agencies())));
CREATE POLICY "engagements: the learner answers proposals" ON engagements_companionproposal FOR UPDATE TO lern_app
  USING (EXISTS (SELECT FROM engagements_engagement e WHERE e.id = engagement_id AND e.companion_id IS DISTINCT FROM (SELECT app_user_id())))
  WITH CHECK (EXISTS (SELECT FROM engagements_engagement e WHERE e.id = engagement_id AND e.companion_id IS DISTINCT FROM (SELECT app_user_id())));

-- What a coordination sees at once of its open requests: how many; how many wait since before `long`; how many have proposals
-- that nobody has answered since `unanswered`; and the first ones, by waiting time. There are hundreds, so without a wall around
-- each row: what lies at one's agencies is found and counted in the index alone, which is the better plan whatever a single
-- call would cost. With filters, `overview()` says the same (engagements/queue.py; decision 33).
CREATE OR REPLACE FUNCTION app_open_requests(long timestamptz, unanswered timestamptz, page int,
                                             OUT total int, OUT waiting int, OUT silent int, OUT ids uuid[])
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE here bigint[] := ARRAY(SELECT app_coordinated_agencies());
BEGIN
  SELECT count(*), count(*) FILTER (WHERE e.requested_at <= long),
         count(*) FILTER (WHERE e.state = 'matching' AND EXISTS (
           SELECT FROM engagements_companionproposal p
            WHERE p.engagement_id = e.id AND p.answer = 'open' AND p.proposed_at <= unanswered))
    INTO total, waiting, silent
    FROM engagements_engagement e
   WHERE e.state IN ('requested', 'matching', 'offered') AND e.state <> 'offered' AND e.coordinating_agency_id = ANY (here);
  ids := ARRAY(SELECT e.id FROM engagements_engagement e
                WHERE e.state IN ('requested', 'matching', 'offered') AND e.state <> 'offered' AND e.coordinating_agency_id = ANY (here)
                ORDER BY e.requested_at, e.id LIMIT page);
END $$;
REVOKE ALL ON FUNCTION app_open_requests(timestamptz, timestamptz, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app_open_requests(timestamptz, timestamptz, int) TO lern_app;
-- The requests one coordinates whose proposals nobody has answered since then; whose answer is missing is not said. A function,
-- since the walls of both tables inside a count over all requests cost more to plan than to carry out.
CREATE OR REPLACE FUNCTION app_unanswered(since timestamptz) RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT e.id
    FROM (SELECT app_coordinated_agencies() AS id) a, LATERAL (
      SELECT * FROM engagements_engagement e WHERE e.state = 'matching' AND e.coordinating_agency_id = a.id OFFSET 0) e
   WHERE EXISTS (SELECT FROM engagements_companionproposal p
                  WHERE p.engagement_id = e.id AND p.answer = 'open' AND p.proposed_at <= since)
$$;
REVOKE ALL ON FUNCTION app_unanswered(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app_unanswered(timestamptz) TO lern_app;

-- ── what the pair writes ───────────────────────────────────────────────────
GRANT SELECT, INSERT, UPDATE, DELETE ON engagements_learningconcern, engagements_agreement, engagements_learningstep,
  engagements_insight, engagements_journalentry TO lern_app;

-- Who reads and who writes them: engagements/audiences.py, from which these policies and the sentences are made.
ALTER TABLE engagements_learningconcern ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE engagements_agreement ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE engagements_insight ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE engagements_journalentry ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE engagements_learningstep ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT (id, engagement_id, due_on, remind, state) ON engagements_learningstep TO lern_worker;
CREATE POLICY "engagements: steps to be reminded of" ON engagements_learningstep FOR SELECT TO lern_worker
  USING (state = 'open' AND remind);

-- ── reminders ──────────────────────────────────────────────────────────────
DROP FUNCTION IF EXISTS want_reminders_again(uuid);
-- What a person was told: theirs to read (engagements/audiences.py), written by digests_sent() alone.
GRANT SELECT ON engagements_sentreminder TO lern_app;
GRANT SELECT (owner_id, what, subject, meant_for, sent_on) ON engagements_sentreminder TO lern_worker;
ALTER TABLE engagements_sentreminder ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "engagements: what was told" ON engagements_sentreminder FOR SELECT TO lern_worker USING (true);

-- The next digests of these people stand in the outbox; answers those whose day was not taken, by a mail that has gone. A
-- digest is one row whoever asks and how often. `asked` counts, so that a worker just sending it sees that somebody wants
-- something more.
CREATE OR REPLACE FUNCTION write_digests(plans jsonb) RETURNS SETOF bigint
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  RETURN QUERY
  INSERT INTO accounts_outgoingmail AS m (id, key, kind, recipient_id, address, language, facts, attachment, due_at,
                                          attempts, smtp_status, created_at)
  SELECT DISTINCT ON (p.person, p.day) gen_random_uuid(), 'digest:' || p.person || ':' || p.day, 'digest', p.person, '', 'de',
         jsonb_build_object('day', p.day, 'asked', 0, 'path', '/heute/'), '', p.due, 0, '', app_now()
    FROM jsonb_to_recordset(plans) AS p(person bigint, day date, due timestamptz)
   ORDER BY p.person, p.day  -- always in one order, so that two who write for the same people do not block each other
  ON CONFLICT (key) DO UPDATE SET due_at = EXCLUDED.due_at, dropped_at = NULL,
     facts = jsonb_set(m.facts, '{asked}', to_jsonb((m.facts ->> 'asked')::int + 1))
   WHERE m.sent_at IS NULL AND m.failed_at IS NULL
  RETURNING m.recipient_id;
END $$;
CREATE OR REPLACE FUNCTION arrange_digest(on_day date, due timestamptz) RETURNS boolean
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM write_digests(jsonb_build_array(
    jsonb_build_object('person', app_user_id(), 'day', on_day, 'due', due))) WHERE app_user_id() IS NOT NULL)
$$;

-- Digests have gone: the rows, what they told, and the rows of the next ones, in one transaction. Answers the people who
-- have asked for more since the worker read the row: their next one is to be planned anew. Twice is once.
CREATE OR REPLACE FUNCTION digests_sent(notes jsonb) RETURNS SETOF bigint
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE coming jsonb; touched bigint[];
BEGIN
  WITH n AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(notes)
      AS x(mail uuid, at timestamptz, asked int, day date, told jsonb, next_day date, next_due timestamptz)
  ), held AS MATERIALIZED (
    SELECT id FROM accounts_outgoingmail WHERE id IN (SELECT mail FROM n) AND kind = 'digest'
     ORDER BY id FOR NO KEY UPDATE  -- always in one order: who writes the same notes for somebody held up waits here
  ), sent AS (
    UPDATE accounts_outgoingmail m SET sent_at = coalesce(m.sent_at, n.at), dropped_at = NULL, failed_at = NULL, smtp_code = 250
      FROM held JOIN n ON n.mail = held.id WHERE m.id = held.id
    RETURNING m.recipient_id AS person, (m.facts ->> 'asked')::int = n.asked AS as_read, n.*
  ), told AS (
    INSERT INTO engagements_sentreminder (owner_id, what, subject, meant_for, sent_on)
    SELECT person, t ->> 0, (t ->> 1)::uuid, (t ->> 2)::date, day FROM sent, jsonb_array_elements(sent.told) t
    ON CONFLICT DO NOTHING
  ), pushed AS (
    INSERT INTO accounts_outgoingmail (id, key, kind, recipient_id, address, language, subject_id, facts, attachment, due_at,
                                       attempts, smtp_status, created_at)
    SELECT gen_random_uuid(), 'push:' || d.id || ':' || s.day, 'push', d.owner_id, '', 'de', d.id,
           jsonb_build_object('day', s.day, 'told', s.told), '', s.at, 0, '', app_now()
      FROM sent s JOIN accounts_pushdevice d ON d.owner_id = s.person
      JOIN accounts_user u ON u.id = d.owner_id AND u.agency_id NOT IN (SELECT agencies_without('push'))
    ON CONFLICT (key) DO NOTHING
  )
  SELECT jsonb_agg(jsonb_build_object('person', person, 'day', next_day, 'due', next_due))
           FILTER (WHERE as_read AND next_day IS NOT NULL), array_agg(person) FILTER (WHERE NOT as_read)
    INTO coming, touched FROM sent;
  PERFORM write_digests(coming);
  RETURN QUERY SELECT unnest(touched);
END $$;

-- The net below: people with something to be told and no digest in the outbox; their rhythms, no address and no name.
CREATE OR REPLACE FUNCTION people_without_a_digest(after bigint, most int)
  RETURNS TABLE (id bigint, state text, path text, time_zone text, reminder_hour int, work_days int, absent_from date, absent_until date)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT u.id, a.state, a.path, u.time_zone, u.reminder_hour, u.work_days, u.absent_from, u.absent_until
    FROM accounts_user u JOIN accounts_agency a ON a.id = u.agency_id
   WHERE u.id > after AND u.is_active AND u.reminders_stopped_at IS NULL
     AND NOT EXISTS (SELECT FROM accounts_outgoingmail m WHERE m.recipient_id = u.id AND m.kind = 'digest'
                      AND m.sent_at IS NULL AND m.dropped_at IS NULL AND m.failed_at IS NULL)
     AND (EXISTS (SELECT FROM engagements_engagement e JOIN engagements_learningstep s ON s.engagement_id = e.id
                   WHERE e.learner_id = u.id AND e.state = 'active' AND s.state = 'open' AND s.remind
                     AND s.due_on > app_today() - 60)
          OR EXISTS (SELECT FROM engagements_transfercheck c
                      WHERE c.owner_id = u.id AND c.answered_at IS NULL AND c.due_on > app_today() - 30))
   ORDER BY u.id LIMIT most
$$;
DROP FUNCTION IF EXISTS write_digest(bigint, date, timestamptz);
REVOKE ALL ON FUNCTION write_digests(jsonb), arrange_digest(date, timestamptz),
  digests_sent(jsonb), people_without_a_digest(bigint, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION arrange_digest(date, timestamptz) TO lern_app;
GRANT EXECUTE ON FUNCTION write_digests(jsonb), people_without_a_digest(bigint, int),
  digests_sent(jsonb) TO lern_worker;

GRANT SELECT, INSERT, UPDATE, DELETE ON engagements_goal, engagements_goalrating TO lern_app;
GRANT SELECT, INSERT, DELETE ON engagements_formerwords TO lern_app;
ALTER TABLE engagements_goal ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE engagements_goalrating ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE engagements_formerwords ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- Rules of thumb are their owner's, beyond any companionship.
GRANT SELECT, INSERT, UPDATE, DELETE ON engagements_ruleofthumb TO lern_app;
ALTER TABLE engagements_ruleofthumb ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- Whom a learner had before asking for somebody else: theirs alone to know, written by the trigger below.
GRANT SELECT, DELETE ON engagements_parting TO lern_app;
ALTER TABLE engagements_parting ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "engagements: the learner's parting" ON engagements_parting FOR SELECT TO lern_app
  USING (app_is_learner(engagement_id));
CREATE POLICY "engagements: the learner takes it back" ON engagements_parting FOR DELETE TO lern_app
  USING (app_is_learner(engagement_id));

-- What was released was released to one person: when the two part, it is the learner's alone again.
CREATE OR REPLACE FUNCTION take_back_what_was_shared() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  -- A learner who asks for somebody else may take that back for a week, with what had been released.
  IF OLD.state IN ('active', 'paused') AND NEW.state = 'requested' THEN
    INSERT INTO engagements_parting (engagement_id, companion_id, at, released)
    VALUES (NEW.id, OLD.companion_id, app_now(), jsonb_build_object(
      'engagements_learningstep', (SELECT coalesce(jsonb_object_agg(id, shared_at), '{}') FROM engagements_learningstep
                                    WHERE engagement_id = NEW.id AND shared_at IS NOT NULL),
      'engagements_insight', (SELECT coalesce(jsonb_object_agg(id, shared_at), '{}') FROM engagements_insight
                               WHERE engagement_id = NEW.id AND shared_at IS NOT NULL),
      'engagements_goal', (SELECT coalesce(jsonb_object_agg(id, shared_at), '{}') FROM engagements_goal
                            WHERE engagement_id = NEW.id AND shared_at IS NOT NULL),
      'engagements_goalrating', (SELECT coalesce(jsonb_object_agg(id, shared_at), '{}') FROM engagements_goalrating
                                  WHERE engagement_id = NEW.id AND shared_at IS NOT NULL),
      'engagements_journalentry', (SELECT coalesce(jsonb_object_agg(id, shared_at), '{}') FROM engagements_journalentry
                                    WHERE engagement_id = NEW.id AND shared_at IS NOT NULL)))
    ON CONFLICT (engagement_id) DO UPDATE SET companion_id = EXCLUDED.companion_id, at = EXCLUDED.at, released = EXCLUDED.released;
  END IF;
  UPDATE engagements_learningstep SET shared_at = NULL WHERE engagement_id = NEW.id AND shared_at IS NOT NULL;
  UPDATE engagements_insight SET shared_at = NULL WHERE engagement_id = NEW.id AND shared_at IS NOT NULL;
  UPDATE engagements_goal SET shared_at = NULL WHERE engagement_id = NEW.id AND shared_at IS NOT NULL;
  UPDATE engagements_goalrating SET shared_at = NULL WHERE engagement_id = NEW.id AND shared_at IS NOT NULL;
  UPDATE engagements_journalentry SET shared_at = NULL WHERE engagement_id = NEW.id AND shared_at IS NOT NULL;
  RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS take_back_what_was_shared ON engagements_engagement;
CREATE TRIGGER take_back_what_was_shared AFTER UPDATE OF companion_id ON engagements_engagement
  FOR EACH ROW WHEN (OLD.companion_id IS NOT NULL AND NEW.companion_id IS DISTINCT FROM OLD.companion_id)
  EXECUTE FUNCTION take_back_what_was_shared();

-- ── what comes after ───────────────────────────────────────────────────────
-- Transfer checks are their owner's, beyond any companionship. What was wished for is not changed, only answered.
GRANT SELECT, INSERT, DELETE, UPDATE (answer, words_sealed, answered_at) ON engagements_transfercheck TO lern_app;
ALTER TABLE engagements_transfercheck ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT (id, owner_id, due_on, answered_at) ON engagements_transfercheck TO lern_worker;
CREATE POLICY "engagements: unanswered checks" ON engagements_transfercheck FOR SELECT TO lern_worker
  USING (answered_at IS NULL);

-- Ratings and their tickets: neither web nor worker reads, writes or deletes one; the functions below are the only ways.
ALTER TABLE engagements_benefitrating ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE engagements_ratingticket ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "engagements: nobody reads ratings" ON engagements_benefitrating FOR SELECT TO lern_app, lern_worker USING (false);
CREATE POLICY "engagements: nobody reads tickets" ON engagements_ratingticket FOR SELECT TO lern_app, lern_worker USING (false);

CREATE OR REPLACE FUNCTION app_quarter(ahead interval) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
  RETURN to_char((app_now() + ahead) AT TIME ZONE 'Europe/Berlin', 'YYYY"-Q"Q');

-- One ticket for each closed companionship, for its learner: what is kept beside the hash is the region and the end of
-- the next quarter. That it was issued stands with the companionship; who used it stands nowhere.
CREATE OR REPLACE FUNCTION issue_rating_ticket(engagement uuid, ticket text) RETURNS boolean
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE engagements_engagement e SET rating_offered = true
   WHERE e.id = engagement AND e.learner_id = app_user_id() AND e.state = 'closed' AND NOT e.rating_offered;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  INSERT INTO engagements_ratingticket (token_hash, expires, region_id)
  SELECT ticket, app_quarter('3 months'), (
    SELECT up.id FROM accounts_agency up
     WHERE up.kind = 'region' AND a.path LIKE up.path || '%' ORDER BY length(up.path) DESC LIMIT 1)
    FROM accounts_user u JOIN accounts_agency a ON a.id = u.agency_id WHERE u.id = app_user_id()
  ON CONFLICT DO NOTHING;
  RETURN true;
END $$;

CREATE OR REPLACE FUNCTION rating_ticket_holds_until(ticket text) RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT t.expires FROM engagements_ratingticket t WHERE t.token_hash = ticket AND t.expires >= app_quarter('0')
$$;

-- The ticket goes and the rating comes, in one step; does not ask who asks. False when there is no such ticket any more.
CREATE OR REPLACE FUNCTION use_rating_ticket(ticket text, numbers smallint[], helped text[]) RETURNS boolean
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE region bigint;
BEGIN
  DELETE FROM engagements_ratingticket t WHERE t.token_hash = ticket AND t.expires >= app_quarter('0')
    RETURNING t.region_id INTO region;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  INSERT INTO engagements_benefitrating (id, quarter, region_id, clarity, usefulness, confidentiality, own_solution, again, helped)
  VALUES (gen_random_uuid(), app_quarter('0'), region, numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], helped);
  RETURN true;
END $$;

-- Every night: what is over goes, and all ratings are written anew in random order with fresh ids, so that neither
-- their order nor their ids nor the transaction they came with say anything.
CREATE OR REPLACE FUNCTION mix_ratings() RETURNS bigint
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE number bigint;
BEGIN
  DELETE FROM engagements_ratingticket WHERE expires < app_quarter('0');
  DELETE FROM engagements_benefitrating WHERE quarter < app_quarter('-1095 days');
  WITH gone AS (DELETE FROM engagements_benefitrating RETURNING *)
  INSERT INTO engagements_benefitrating (id, quarter, region_id, clarity, usefulness, confidentiality, own_solution, again, helped)
  SELECT gen_random_uuid(), quarter, region_id, clarity, usefulness, confidentiality, own_solution, again, helped
    FROM gone ORDER BY gen_random_uuid();
  GET DIAGNOSTICS number = ROW_COUNT;
  RETURN number;
END $$;
REVOKE ALL ON FUNCTION issue_rating_ticket(uuid, text), rating_ticket_holds_until(text),
  use_rating_ticket(text, smallint[], text[]), mix_ratings() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION issue_rating_ticket(uuid, text), rating_ticket_holds_until(text),
  use_rating_ticket(text, smallint[], text[]) TO lern_app;

-- ── assigning everybody at once ────────────────────────────────────────────
-- A draft is its maker's, as long as the maker coordinates what it is about; a line shows while its request shows.
GRANT SELECT, INSERT, UPDATE (state, done, total, attempts, claimed_until, changed_at) ON engagements_assignmentdraft TO lern_app;
ALTER TABLE engagements_assignmentdraft ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "engagements: own assignment drafts" ON engagements_assignmentdraft TO lern_app
  USING (made_by_id = (SELECT app_user_id()) AND (SELECT app_has_role('coordinator'))
         AND (agency_id IS NULL OR agency_id IN (SELECT app_coordinated_agencies())))
  WITH CHECK (made_by_id = (SELECT app_user_id()) AND (SELECT app_has_role('coordinator'))
         AND (agency_id IS NULL OR agency_id IN (SELECT app_coordinated_agencies())));

GRANT SELECT, UPDATE (companion_id, reasons, why, alternatives, pinned, unwanted, left_out) ON engagements_draftline TO lern_app;
ALTER TABLE engagements_draftline ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "engagements: lines of own drafts" ON engagements_draftline FOR SELECT TO lern_app
  USING (draft_id IN (SELECT d.id FROM engagements_assignmentdraft d)
         AND EXISTS (SELECT FROM engagements_engagement e WHERE e.id = engagement_id
                        AND e.coordinating_agency_id IN (SELECT app_coordinated_agencies())));
CREATE POLICY "engagements: edit lines of a draft" ON engagements_draftline FOR UPDATE TO lern_app
  USING (draft_id IN (SELECT d.id FROM engagements_assignmentdraft d WHERE d.state = 'ready'))
  WITH CHECK (draft_id IN (SELECT d.id FROM engagements_assignmentdraft d WHERE d.state = 'ready'));

-- The worker sees neither table; it works on one draft through these functions. A lease says who is at it, by the
-- database's clock; whatever was left half done is taken up again when the lease has run out, three times at most.
CREATE OR REPLACE FUNCTION assignments_wait() RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM engagements_assignmentdraft n
    WHERE n.state IN ('asked', 'working', 'publishing', 'taking_back') AND n.attempts < 3
      AND coalesce(n.claimed_until, '-infinity') <= app_now())
$$;
CREATE OR REPLACE FUNCTION assignment_claim(seconds int) RETURNS TABLE (draft uuid, state text, seed int)
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  UPDATE engagements_assignmentdraft d
     SET claimed_until = app_now() + seconds * interval '1 second', attempts = d.attempts + 1, changed_at = app_now(),
         state = CASE d.state WHEN 'asked' THEN 'working' ELSE d.state END
   WHERE d.id = (SELECT n.id FROM engagements_assignmentdraft n
                  WHERE n.state IN ('asked', 'working', 'publishing', 'taking_back') AND n.attempts < 3
                    AND coalesce(n.claimed_until, '-infinity') <= app_now()
                  ORDER BY n.changed_at LIMIT 1 FOR UPDATE SKIP LOCKED)
  RETURNING d.id, d.state, d.seed
$$;
CREATE OR REPLACE FUNCTION assignment_progress(draft uuid, done int, total int, seconds int) RETURNS boolean
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  UPDATE engagements_assignmentdraft d SET done = $2, total = $3, claimed_until = app_now() + seconds * interval '1 second', changed_at = app_now()
   WHERE d.id = draft AND d.state = 'working' RETURNING true
$$;
-- Let go of a draft: the next ring goes on. What went well does not count as an attempt.
CREATE OR REPLACE FUNCTION assignment_let_go(draft uuid, went_well boolean) RETURNS void
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  UPDATE engagements_assignmentdraft d SET claimed_until = NULL, attempts = CASE WHEN went_well THEN 0 ELSE d.attempts END
   WHERE d.id = draft
$$;

-- The open requests of a draft being worked on, those waiting longest first, with what its maker decided in the draft it
-- is based on: wishes and dates, no name and no word. Before a line was emptied, whom the maker did not want stood there.
DROP FUNCTION IF EXISTS assignment_requests(uuid), assignment_companions(uuid);  -- they may answer other columns than before
CREATE OR REPLACE FUNCTION assignment_requests(draft uuid)
  RETURNS TABLE (engagement uuid, learner bigint, agency bigint, path text, wish text, format text, spoken text,
                 trainee_welcome boolean, occasion bigint, requested_at timestamptz, kept bigint, unwanted bigint[],
                 left_out boolean, before bigint, needs text[], town text, quota text, room int)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT e.id, e.learner_id, u.agency_id, a.path, e.wish, e.format, e.spoken, e.trainee_welcome, e.occasion_id, e.requested_at,
         CASE WHEN b.pinned THEN b.companion_id END, coalesce(b.unwanted, '{}'), coalesce(b.left_out, false),
         CASE WHEN b.companion_id IS NULL AND b.why = '[]' THEN b.unwanted[cardinality(b.unwanted)] ELSE b.companion_id END,
         e.needs, a.city, p.id || ':' || region_of(a.path), greatest(0, coalesce(r.room, p.places))
    FROM engagements_assignmentdraft d
    LEFT JOIN accounts_agency scope ON scope.id = d.agency_id
    JOIN engagements_engagement e ON e.state = 'requested'
     AND e.coordinating_agency_id IN (SELECT agencies_coordinated_by(d.made_by_id))
    JOIN accounts_user u ON u.id = e.learner_id
    JOIN accounts_agency a ON a.id = u.agency_id AND (scope.id IS NULL OR a.path LIKE scope.path || '%')
    LEFT JOIN engagements_programme p ON p.id = e.programme_id AND p.places IS NOT NULL
    LEFT JOIN programme_room() r ON r.programme = p.id AND r.region = region_of(a.path)
    LEFT JOIN engagements_draftline b ON b.draft_id = d.based_on_id AND b.engagement_id = e.id
   WHERE d.id = draft AND d.state = 'working'
     AND NOT EXISTS (SELECT FROM engagements_companionproposal p WHERE p.engagement_id = e.id AND p.answer = 'open')
   ORDER BY e.requested_at, e.id
$$;
-- Places that open proposals elsewhere have promised already: the solver promises each place once. Sees what its caller
-- sees, so that the planner can look into it and count for one companion only.
CREATE OR REPLACE FUNCTION promised_places() RETURNS TABLE (companion bigint, number bigint) LANGUAGE sql STABLE AS $$
  SELECT p.companion_id, count(*) FROM engagements_companionproposal p
    JOIN engagements_engagement e ON e.id = p.engagement_id AND e.state IN ('requested', 'matching')
   WHERE p.answer = 'open' GROUP BY p.companion_id
$$;
-- Who accompanies at all today (H5 but for trainees, and whoever takes nobody), with what they offer.
CREATE OR REPLACE FUNCTION assignment_companions(draft uuid)
  RETURNS TABLE (person bigint, agency bigint, path text, formats text[], languages text[], occasions bigint[],
                 in_training boolean, present boolean, back_on date, capacity int, used int, promised int, settings text[], towns text[])
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT u.id, u.agency_id, a.path, p.formats, p.languages,
         ARRAY(SELECT o.occasion_id FROM engagements_companionprofile_occasions o WHERE o.companionprofile_id = u.id),
         p.in_training, NOT coalesce(u.absent_from <= app_today() AND coalesce(u.absent_until, 'infinity') >= app_today(), false),
         u.absent_until + 1, l.capacity, l.taken + l.held, coalesce(x.number, 0)::int,
         p.settings, CASE WHEN NOT 'on_site' = ANY (p.formats) THEN '{}' WHEN p.places = '{}' THEN ARRAY[a.city] ELSE p.places END
    FROM engagements_companionprofile p
    JOIN accounts_user u ON u.id = p.user_id AND u.is_active
    JOIN accounts_agency a ON a.id = u.agency_id
    JOIN engagements_companionload l ON l.companion_id = u.id
    LEFT JOIN promised_places() x ON x.companion = u.id
   WHERE NOT p.is_paused AND (p.in_training OR coalesce(p.qualified_until, '-infinity') >= app_today())
     AND EXISTS (SELECT FROM accounts_rolegrant g WHERE g.user_id = u.id AND g.role = 'companion'
                    AND g.starts_on <= app_today() AND coalesce(g.ends_on, 'infinity') >= app_today())
     AND EXISTS (SELECT FROM engagements_assignmentdraft d WHERE d.id = draft AND d.state = 'working')
   ORDER BY u.id
$$;
-- Pairs that must not be (H1 to H4, H7, H8, and oneself), all alike: which rule it was is not told, so that nothing made
-- of it can give away a silent no.
CREATE OR REPLACE FUNCTION assignment_exclusions(draft uuid) RETURNS TABLE (learner bigint, companion bigint)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH asking AS MATERIALIZED (SELECT r.learner FROM assignment_requests(draft) r),
  pairs AS (
    SELECT c.declared_by_id AS one, c.other_id AS other FROM engagements_conflictdeclaration c
    UNION ALL SELECT v.owner_id, v.other_id FROM engagements_veto v),
  both_ways AS (SELECT one, other FROM pairs UNION ALL SELECT other, one FROM pairs)
  SELECT one, other FROM both_ways WHERE one IN (SELECT a.learner FROM asking a)
  UNION
  SELECT e.companion_id, e.learner_id FROM engagements_engagement e
   WHERE e.companion_id IN (SELECT a.learner FROM asking a) AND e.state IN ('offered', 'introduction', 'active', 'paused')
  UNION
  SELECT u.id, c.id FROM asking a JOIN accounts_user u ON u.id = a.learner AND u.team <> ''
    JOIN accounts_user c ON c.team = u.team AND c.agency_id = u.agency_id
  UNION
  SELECT a.learner, a.learner FROM asking a
$$;

-- The lines of a draft, in one go; false when it is no longer being worked on.
CREATE OR REPLACE FUNCTION assignment_save(draft uuid, lines jsonb) RETURNS boolean
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE engagements_assignmentdraft d SET state = 'ready', claimed_until = NULL, attempts = 0, changed_at = app_now()
   WHERE d.id = draft AND d.state = 'working';
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  DELETE FROM engagements_draftline l WHERE l.draft_id = draft;
  INSERT INTO engagements_draftline (draft_id, position, engagement_id, companion_id, reasons, why, alternatives, pinned,
                                     unwanted, left_out, before_id, outcome)
  SELECT draft, x.* , '' FROM jsonb_to_recordset(lines) AS x(position int, engagement uuid, companion bigint, reasons jsonb,
    why jsonb, alternatives jsonb, pinned boolean, unwanted bigint[], left_out boolean, before bigint);
  RETURN true;
END $$;

-- One line after the other becomes a proposal of the draft's maker, through the same guard as any other proposal; the
-- place must not be promised to anybody else yet. Answers what became of it, and nothing when there is no line left.
CREATE OR REPLACE FUNCTION assignment_publish_line(draft uuid)
  RETURNS TABLE (engagement uuid, learner bigint, language text, outcome text)
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE d engagements_assignmentdraft; l engagements_draftline; e engagements_engagement; made uuid; refused text;
BEGIN
  SELECT * INTO d FROM engagements_assignmentdraft x WHERE x.id = draft AND x.state = 'publishing';
  IF NOT FOUND THEN
    RETURN;
  END IF;
  SELECT * INTO l FROM engagements_draftline x WHERE x.draft_id = d.id AND x.outcome = '' AND x.companion_id IS NOT NULL
     AND NOT x.left_out ORDER BY x.position LIMIT 1 FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    UPDATE engagements_assignmentdraft x SET state = 'published', claimed_until = NULL, attempts = 0, changed_at = app_now()
     WHERE x.id = d.id AND NOT EXISTS (SELECT FROM engagements_draftline y WHERE y.draft_id = d.id AND y.outcome = ''
                                          AND y.companion_id IS NOT NULL AND NOT y.left_out);
    RETURN;
  END IF;
  SELECT * INTO e FROM engagements_engagement x WHERE x.id = l.engagement_id FOR NO KEY UPDATE;
  IF e.id IS NULL OR e.state <> 'requested' OR e.coordinating_agency_id NOT IN (SELECT agencies_coordinated_by(d.made_by_id)) THEN
    outcome := 'gone';
  ELSE
    PERFORM FROM engagements_companionload x WHERE x.companion_id = l.companion_id FOR NO KEY UPDATE;
    BEGIN
      IF EXISTS (SELECT FROM engagements_companionload x JOIN promised_places() p ON p.companion = x.companion_id
                  WHERE x.companion_id = l.companion_id AND x.taken + x.held + p.number >= x.capacity) THEN
        RAISE check_violation;
      END IF;
      INSERT INTO engagements_companionproposal (id, engagement_id, companion_id, position, reasons, proposed_by_id, proposed_at, answer)
      VALUES (gen_random_uuid(), e.id, l.companion_id, 1, l.reasons, d.made_by_id, app_now(), 'open') RETURNING id INTO made;
      UPDATE engagements_engagement x SET state = 'matching' WHERE x.id = e.id;
      INSERT INTO accounts_auditevent (kind, actor_id, subject, at) VALUES ('engagement.proposed', d.made_by_id, e.id, app_now());
      outcome := 'proposed';
    EXCEPTION WHEN check_violation THEN
      GET STACKED DIAGNOSTICS refused = CONSTRAINT_NAME;
      made := NULL;
      outcome := CASE refused WHEN 'programme_has_room' THEN 'quota' ELSE 'impossible' END;
    END;
  END IF;
  UPDATE engagements_draftline x SET outcome = assignment_publish_line.outcome, proposal = made WHERE x.id = l.id;
  UPDATE engagements_assignmentdraft x SET done = x.done + 1, changed_at = app_now() WHERE x.id = d.id;
  engagement := l.engagement_id; learner := e.learner_id;
  language := (SELECT u.language FROM accounts_user u WHERE u.id = e.learner_id);
  RETURN NEXT;
END $$;

-- And back, as long as the learner has not chosen.
CREATE OR REPLACE FUNCTION assignment_take_back_line(draft uuid) RETURNS text
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE d engagements_assignmentdraft; l engagements_draftline; e engagements_engagement; became text;
BEGIN
  SELECT * INTO d FROM engagements_assignmentdraft x WHERE x.id = draft AND x.state = 'taking_back';
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  SELECT * INTO l FROM engagements_draftline x WHERE x.draft_id = d.id AND x.outcome = 'proposed'
   ORDER BY x.position LIMIT 1 FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    UPDATE engagements_assignmentdraft x SET state = 'taken_back', claimed_until = NULL, attempts = 0, changed_at = app_now()
     WHERE x.id = d.id AND NOT EXISTS (SELECT FROM engagements_draftline y WHERE y.draft_id = d.id AND y.outcome = 'proposed');
    RETURN NULL;
  END IF;
  SELECT * INTO e FROM engagements_engagement x WHERE x.id = l.engagement_id FOR NO KEY UPDATE;
  UPDATE engagements_companionproposal x SET answer = 'passed'
   WHERE x.id = l.proposal AND x.answer = 'open' AND e.state = 'matching'
     AND e.coordinating_agency_id IN (SELECT agencies_coordinated_by(d.made_by_id));
  became := CASE WHEN FOUND THEN 'taken_back' ELSE 'kept' END;
  IF became = 'taken_back' THEN
    UPDATE engagements_engagement x SET state = 'requested' WHERE x.id = e.id AND NOT EXISTS (
      SELECT FROM engagements_companionproposal p WHERE p.engagement_id = e.id AND p.answer = 'open');
    INSERT INTO accounts_auditevent (kind, actor_id, subject, at) VALUES ('engagement.proposal_taken_back', d.made_by_id, e.id, app_now());
  END IF;
  UPDATE engagements_draftline x SET outcome = became WHERE x.id = l.id;
  UPDATE engagements_assignmentdraft x SET done = x.done + 1, changed_at = app_now() WHERE x.id = d.id;
  RETURN became;
END $$;
REVOKE ALL ON FUNCTION assignments_wait(), assignment_claim(int), assignment_progress(uuid, int, int, int), assignment_let_go(uuid, boolean),
  assignment_requests(uuid), promised_places(), assignment_companions(uuid), assignment_exclusions(uuid),
  assignment_save(uuid, jsonb), assignment_publish_line(uuid), assignment_take_back_line(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION assignments_wait(), assignment_claim(int), assignment_progress(uuid, int, int, int), assignment_let_go(uuid, boolean),
  assignment_requests(uuid), assignment_companions(uuid), assignment_exclusions(uuid), assignment_save(uuid, jsonb),
  assignment_publish_line(uuid), assignment_take_back_line(uuid) TO lern_worker;

-- ── the direct line ────────────────────────────────────────────────────────
-- Whoever wrote, and those who coordinate that agency (or one above it) today. Tied to no companionship.
GRANT SELECT, INSERT, DELETE, UPDATE (waits_since, last_at) ON engagements_directline TO lern_app;
ALTER TABLE engagements_directline ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "engagements: own line, or that of the coordination" ON engagements_directline FOR SELECT TO lern_app
  USING (writer_id = (SELECT app_user_id()) OR agency_id IN (SELECT app_coordinated_agencies()));
CREATE POLICY "engagements: a line to the responsible coordination" ON engagements_directline FOR INSERT TO lern_app
  WITH CHECK (writer_id = (SELECT app_user_id())
    AND agency_id = nearest_coordination((SELECT u.agency_id FROM accounts_user u WHERE u.id = app_user_id())));
CREATE POLICY "engagements: both move a line on" ON engagements_directline FOR UPDATE TO lern_app
  USING (writer_id = (SELECT app_user_id()) OR agency_id IN (SELECT app_coordinated_agencies()))
  WITH CHECK (writer_id = (SELECT app_user_id()) OR agency_id IN (SELECT app_coordinated_agencies()));
CREATE POLICY "engagements: the writer lets go of a line" ON engagements_directline FOR DELETE TO lern_app
  USING (writer_id = (SELECT app_user_id()));
-- Messages are added and never changed; who reads them: engagements/audiences.py.
GRANT SELECT, INSERT, DELETE ON engagements_linemessage TO lern_app;
ALTER TABLE engagements_linemessage ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "engagements: write on a line" ON engagements_linemessage FOR INSERT TO lern_app
  WITH CHECK (author_id = (SELECT app_user_id()) AND line_id IN (SELECT l.id FROM engagements_directline l));
CREATE POLICY "engagements: gone with the line" ON engagements_linemessage FOR DELETE TO lern_app
  USING (line_id IN (SELECT l.id FROM engagements_directline l WHERE l.writer_id = (SELECT app_user_id())));
CREATE POLICY "engagements: keys of lines" ON accounts_datakey FOR SELECT TO lern_app
  USING (owner_id IS NULL AND EXISTS (SELECT FROM engagements_directline l WHERE l.id = accounts_datakey.id));
CREATE POLICY "engagements: the writer makes a line's key" ON accounts_datakey FOR INSERT TO lern_app
  WITH CHECK (owner_id IS NULL AND EXISTS (
    SELECT FROM engagements_directline l WHERE l.id = accounts_datakey.id AND l.writer_id = (SELECT app_user_id())));
CREATE POLICY "engagements: the writer destroys a line's key" ON accounts_datakey FOR DELETE TO lern_app
  USING (owner_id IS NULL AND EXISTS (
    SELECT FROM engagements_directline l WHERE l.id = accounts_datakey.id AND l.writer_id = (SELECT app_user_id())));

-- Who coordinates an agency today, by name: whoever writes to them is told who reads it.
CREATE OR REPLACE FUNCTION coordination_in_force(agency bigint) RETURNS TABLE (user_id bigint, name text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT DISTINCT u.id, u.name::text
    FROM accounts_agency a
    JOIN accounts_agency up ON a.path LIKE up.path || '%'
    JOIN accounts_rolegrant g ON g.agency_id = up.id AND g.role = 'coordinator'
    JOIN accounts_user u ON u.id = g.user_id AND u.is_active
   WHERE a.id = agency AND g.starts_on <= app_today() AND coalesce(g.ends_on, 'infinity') >= app_today()
   ORDER BY 2
$$;
REVOKE ALL ON FUNCTION coordination_in_force(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coordination_in_force(bigint) TO lern_app;

-- ── how long it took ───────────────────────────────────────────────────────
-- Figures for everybody, written by the function below alone.
GRANT SELECT ON engagements_waitingfigure TO lern_app;
ALTER TABLE engagements_waitingfigure ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "engagements: waiting figures are known" ON engagements_waitingfigure FOR SELECT TO lern_app USING (true);

-- Once a quarter, for the quarter before: how many weeks half of the requests took, for each region and for all. Only of at
-- least seven learners and three companions, none of them with more than half (design/domain.md, section 9). The row for
-- all is always written, with or without weeks: once it is there, the quarter is frozen. Answers how many rows it has.
CREATE OR REPLACE FUNCTION freeze_waiting_figures() RETURNS bigint
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE over timestamp := date_trunc('quarter', app_now() AT TIME ZONE 'Europe/Berlin');
  which text := to_char(over - interval '1 day', 'YYYY"-Q"Q');
BEGIN
  IF EXISTS (SELECT FROM engagements_waitingfigure f WHERE f.quarter = which) THEN
    RETURN (SELECT count(*) FROM engagements_waitingfigure f WHERE f.quarter = which);
  END IF;
  INSERT INTO engagements_waitingfigure (area_id, quarter, weeks_from, weeks_to)
  WITH done AS (
    SELECT e.learner_id, e.companion_id, a.path, extract(epoch FROM e.introduced_at - e.requested_at) / 604800 AS weeks
      FROM engagements_engagement e JOIN accounts_user u ON u.id = e.learner_id JOIN accounts_agency a ON a.id = u.agency_id
     WHERE e.introduced_at AT TIME ZONE 'Europe/Berlin' >= over - interval '3 months'
       AND e.introduced_at AT TIME ZONE 'Europe/Berlin' < over
       AND e.requested_at <= e.introduced_at AND e.companion_id IS NOT NULL AND e.coordinating_agency_id IS NOT NULL),
  areas AS (SELECT r.id, r.path FROM accounts_agency r WHERE r.kind = 'region' UNION ALL SELECT NULL, '/')
  SELECT ar.id, which, CASE WHEN f.enough THEN floor(f.least) END, CASE WHEN f.enough THEN greatest(ceil(f.most), floor(f.least) + 1) END
    FROM areas ar CROSS JOIN LATERAL (
      SELECT count(DISTINCT d.learner_id) >= 7 AND count(DISTINCT d.companion_id) >= 3
             AND 2 * (SELECT max(x.times) FROM (SELECT count(*) AS times FROM done o WHERE o.path LIKE ar.path || '%'
                                                 GROUP BY o.companion_id) x) <= count(*) AS enough,
             percentile_cont(0.25) WITHIN GROUP (ORDER BY d.weeks) AS least,
             percentile_cont(0.75) WITHIN GROUP (ORDER BY d.weeks) AS most
        FROM done d WHERE d.path LIKE ar.path || '%') f
   WHERE ar.id IS NULL OR f.enough;
  RETURN (SELECT count(*) FROM engagements_waitingfigure f WHERE f.quarter = which);
END $$;
REVOKE ALL ON FUNCTION freeze_waiting_figures() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION freeze_waiting_figures() TO lern_worker;
