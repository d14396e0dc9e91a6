-- Which rows of the talks a person sees. A talk belongs to the two who hold it, and to nobody else.

GRANT SELECT, INSERT, UPDATE, DELETE ON conversations_appointment, conversations_conversation,
  conversations_conversationpart, conversations_observation, conversations_preparation, conversations_topicwish TO lern_app;

-- Who reads them: conversations/audiences.py, from which the policies for reading and the sentences are made. Here:
-- who may write what.
CREATE OR REPLACE FUNCTION app_talks_learning() RETURNS uuid[]
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT coalesce(array_agg(c.id), '{}') FROM conversations_appointment a
    JOIN conversations_conversation c ON c.appointment_id = a.id WHERE a.learner_id = app_user_id()
$$;
CREATE OR REPLACE FUNCTION app_talks_accompanying() RETURNS uuid[]
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT coalesce(array_agg(c.id), '{}') FROM conversations_appointment a
    JOIN conversations_conversation c ON c.appointment_id = a.id
   WHERE a.companion_id = app_user_id() AND a.engagement_id = ANY (app_accompanying())
$$;
REVOKE ALL ON FUNCTION app_talks_learning(), app_talks_accompanying() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app_talks_learning(), app_talks_accompanying() TO lern_app;

REVOKE UPDATE ON conversations_appointment FROM lern_app;
GRANT UPDATE (starts_at, ends_at, format, place, sequence, held, cancelled_at) ON conversations_appointment TO lern_app; -- whose it is, stays
ALTER TABLE conversations_appointment ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "conversations: the two make appointments" ON conversations_appointment FOR INSERT TO lern_app
  WITH CHECK (app_is_pair(engagement_id) AND EXISTS (SELECT FROM engagements_engagement e WHERE e.id = engagement_id
              AND e.learner_id = conversations_appointment.learner_id AND e.companion_id = conversations_appointment.companion_id));
CREATE POLICY "conversations: the two change appointments" ON conversations_appointment FOR UPDATE TO lern_app
  USING (CASE (SELECT app_user_id()) WHEN learner_id THEN true WHEN companion_id THEN app_is_pair(engagement_id) ELSE false END)
  WITH CHECK (CASE (SELECT app_user_id()) WHEN learner_id THEN app_is_pair(engagement_id)
              WHEN companion_id THEN app_is_pair(engagement_id) ELSE false END);
CREATE POLICY "conversations: the learner deletes with the draft" ON conversations_appointment FOR DELETE TO lern_app
  USING (learner_id = (SELECT app_user_id()));

ALTER TABLE conversations_conversation ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "conversations: talks of appointments" ON conversations_conversation FOR INSERT TO lern_app
  WITH CHECK (app_is_pair(engagement_id) AND EXISTS (
    SELECT FROM conversations_appointment a WHERE a.id = appointment_id
       AND a.engagement_id = conversations_conversation.engagement_id));
CREATE POLICY "conversations: the two document" ON conversations_conversation FOR UPDATE TO lern_app
  USING (EXISTS (SELECT FROM conversations_appointment a WHERE a.id = appointment_id))
  WITH CHECK (app_is_pair(engagement_id) AND EXISTS (
    SELECT FROM conversations_appointment a WHERE a.id = appointment_id
       AND a.engagement_id = conversations_conversation.engagement_id));

-- What a policy cannot say, since it does not see the row as it was: each agrees for oneself, the words are the
-- learner's, a change lifts both agreements, and what both have agreed to stays. For the web role; the owner erases.
CREATE OR REPLACE FUNCTION keep_record() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE learns boolean;
BEGIN
  IF current_user <> 'lern_app' THEN
    RETURN NEW;
  END IF;
  learns := app_is_learner(OLD.engagement_id);
  IF OLD.locked_at IS NOT NULL AND NEW IS DISTINCT FROM OLD THEN
    RAISE EXCEPTION 'what both have agreed to stays as it is' USING ERRCODE = '42501';
  END IF;
  IF (NEW.id, NEW.engagement_id, NEW.appointment_id) IS DISTINCT FROM (OLD.id, OLD.engagement_id, OLD.appointment_id)
     OR NEW.version < OLD.version OR NEW.agreed_version < OLD.agreed_version OR NEW.agreed_version > NEW.version THEN
    RAISE EXCEPTION 'a talk stays the same talk, and its versions go forward' USING ERRCODE = '42501';
  END IF;
  IF NOT learns AND (NEW.closing_sentence_sealed, NEW.next_is_open, NEW.version)
     IS DISTINCT FROM (OLD.closing_sentence_sealed, OLD.next_is_open, OLD.version) THEN
    RAISE EXCEPTION 'the words are the learner''s' USING ERRCODE = '42501';
  END IF;
  IF NEW.learner_agreed_at IS DISTINCT FROM OLD.learner_agreed_at
     AND NOT (learns AND (NEW.learner_agreed_at IS NOT NULL OR NEW.version > OLD.version))
     OR NEW.companion_agreed_at IS DISTINCT FROM OLD.companion_agreed_at
     AND NOT (CASE WHEN NEW.companion_agreed_at IS NULL THEN learns AND NEW.version > OLD.version ELSE NOT learns END) THEN
    RAISE EXCEPTION 'each agrees for oneself, and only a change takes it back' USING ERRCODE = '42501';
  END IF;
  RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS keep_record ON conversations_conversation;
CREATE TRIGGER keep_record BEFORE UPDATE ON conversations_conversation FOR EACH ROW EXECUTE FUNCTION keep_record();

-- The record is the learner's: the companion reads it, and lays the empty parts when making the appointment.
ALTER TABLE conversations_conversationpart ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "conversations: empty parts" ON conversations_conversationpart FOR INSERT TO lern_app
  WITH CHECK (EXISTS (SELECT FROM conversations_conversation c
    WHERE c.id = conversation_id AND (app_is_learner(c.engagement_id) OR text_sealed = '')));
CREATE POLICY "conversations: the learner's words" ON conversations_conversationpart FOR UPDATE TO lern_app
  USING (EXISTS (SELECT FROM conversations_conversation c
    WHERE c.id = conversation_id AND c.locked_at IS NULL AND app_is_learner(c.engagement_id)))
  WITH CHECK (EXISTS (SELECT FROM conversations_conversation c
    WHERE c.id = conversation_id AND c.locked_at IS NULL AND app_is_learner(c.engagement_id)));

ALTER TABLE conversations_observation ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
REVOKE UPDATE ON conversations_observation FROM lern_app;
GRANT UPDATE (answer) ON conversations_observation TO lern_app; -- the words offered stay as they were offered
CREATE POLICY "conversations: the companion offers" ON conversations_observation FOR INSERT TO lern_app
  WITH CHECK (author_id = (SELECT app_user_id()) AND answer = 'offered' AND EXISTS (SELECT FROM conversations_conversation c
    WHERE c.id = conversation_id AND c.locked_at IS NULL AND NOT app_is_learner(c.engagement_id)));
CREATE POLICY "conversations: the learner answers" ON conversations_observation FOR UPDATE TO lern_app
  USING (EXISTS (SELECT FROM conversations_conversation c
    WHERE c.id = conversation_id AND c.locked_at IS NULL AND app_is_learner(c.engagement_id)))
  WITH CHECK (EXISTS (SELECT FROM conversations_conversation c
    WHERE c.id = conversation_id AND c.locked_at IS NULL AND app_is_learner(c.engagement_id)));
CREATE POLICY "conversations: the companion takes back" ON conversations_observation FOR DELETE TO lern_app
  USING (author_id = (SELECT app_user_id()) AND answer = 'offered' AND EXISTS (
    SELECT FROM conversations_conversation c WHERE c.id = conversation_id AND c.locked_at IS NULL));

-- Ideas are part of the record: the learner's words, until both have agreed.
GRANT SELECT, INSERT, UPDATE, DELETE ON conversations_changeidea TO lern_app;
ALTER TABLE conversations_changeidea ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "conversations: the learner's ideas" ON conversations_changeidea FOR INSERT TO lern_app
  WITH CHECK (EXISTS (SELECT FROM conversations_conversation c
    WHERE c.id = conversation_id AND c.locked_at IS NULL AND app_is_learner(c.engagement_id)));
CREATE POLICY "conversations: the learner changes ideas" ON conversations_changeidea FOR UPDATE TO lern_app
  USING (EXISTS (SELECT FROM conversations_conversation c
    WHERE c.id = conversation_id AND c.locked_at IS NULL AND app_is_learner(c.engagement_id)))
  WITH CHECK (EXISTS (SELECT FROM conversations_conversation c
    WHERE c.id = conversation_id AND c.locked_at IS NULL AND app_is_learner(c.engagement_id)));
CREATE POLICY "conversations: the learner deletes ideas" ON conversations_changeidea FOR DELETE TO lern_app
  USING (EXISTS (SELECT FROM conversations_conversation c
    WHERE c.id = conversation_id AND c.locked_at IS NULL AND app_is_learner(c.engagement_id)));

-- Versions: written with an agreement, by the one who agrees, and never changed; the learner may delete earlier ones.
GRANT SELECT, INSERT, DELETE ON conversations_recordversion TO lern_app;
ALTER TABLE conversations_recordversion ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "conversations: a version is agreed to" ON conversations_recordversion FOR INSERT TO lern_app
  WITH CHECK (agreed_by_id = (SELECT app_user_id()) AND EXISTS (SELECT FROM conversations_conversation c
    WHERE c.id = conversation_id AND c.locked_at IS NULL AND c.version = number AND app_is_pair(c.engagement_id)));
CREATE POLICY "conversations: the learner deletes earlier versions" ON conversations_recordversion FOR DELETE TO lern_app
  USING (EXISTS (SELECT FROM conversations_conversation c
    WHERE c.id = conversation_id AND number < c.version AND app_is_learner(c.engagement_id)));

-- Additions to what both have agreed to: of either, as they were written; taken back only as long as they are unread.
GRANT SELECT, INSERT, DELETE ON conversations_addition TO lern_app;
GRANT UPDATE (read_at) ON conversations_addition TO lern_app;
ALTER TABLE conversations_addition ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "conversations: the two add" ON conversations_addition FOR INSERT TO lern_app
  WITH CHECK (author_id = (SELECT app_user_id()) AND read_at IS NULL AND EXISTS (SELECT FROM conversations_conversation c
    WHERE c.id = conversation_id AND c.locked_at IS NOT NULL AND app_is_pair(c.engagement_id)));
CREATE POLICY "conversations: the other one has read it" ON conversations_addition FOR UPDATE TO lern_app
  USING (author_id <> (SELECT app_user_id()) AND read_at IS NULL
         AND EXISTS (SELECT FROM conversations_conversation c WHERE c.id = conversation_id))
  WITH CHECK (author_id <> (SELECT app_user_id()));
CREATE POLICY "conversations: take an unread addition back" ON conversations_addition FOR DELETE TO lern_app
  USING (author_id = (SELECT app_user_id()) AND read_at IS NULL);

-- After the talk: the own look is nobody else's; feedback is there once it is given, until it is taken back.
GRANT SELECT, INSERT, UPDATE, DELETE ON conversations_talkcheck TO lern_app;
ALTER TABLE conversations_talkcheck ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "conversations: look at one's own talk" ON conversations_talkcheck FOR INSERT TO lern_app
  WITH CHECK (owner_id = (SELECT app_user_id()) AND EXISTS (SELECT FROM conversations_conversation c WHERE c.id = conversation_id));
CREATE POLICY "conversations: change the own look" ON conversations_talkcheck FOR UPDATE TO lern_app
  USING (owner_id = (SELECT app_user_id()))
  WITH CHECK (owner_id = (SELECT app_user_id()) AND EXISTS (SELECT FROM conversations_conversation c WHERE c.id = conversation_id));
CREATE POLICY "conversations: delete the own look" ON conversations_talkcheck FOR DELETE TO lern_app
  USING (owner_id = (SELECT app_user_id()));
GRANT SELECT, INSERT, DELETE ON conversations_feedback TO lern_app;
ALTER TABLE conversations_feedback ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "conversations: give feedback" ON conversations_feedback FOR INSERT TO lern_app
  WITH CHECK (author_id = (SELECT app_user_id()) AND EXISTS (SELECT FROM conversations_conversation c
    WHERE c.id = conversation_id AND app_is_pair(c.engagement_id)));
CREATE POLICY "conversations: take feedback back" ON conversations_feedback FOR DELETE TO lern_app
  USING (author_id = (SELECT app_user_id()));

ALTER TABLE conversations_preparation ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "conversations: a sheet for one's own talk" ON conversations_preparation FOR INSERT TO lern_app
  WITH CHECK (owner_id = (SELECT app_user_id()) AND EXISTS (SELECT FROM conversations_conversation c WHERE c.id = conversation_id));
CREATE POLICY "conversations: change the own sheet" ON conversations_preparation FOR UPDATE TO lern_app
  USING (owner_id = (SELECT app_user_id()))
  WITH CHECK (owner_id = (SELECT app_user_id()) AND EXISTS (SELECT FROM conversations_conversation c WHERE c.id = conversation_id));
CREATE POLICY "conversations: delete the own sheet" ON conversations_preparation FOR DELETE TO lern_app
  USING (owner_id = (SELECT app_user_id()));

ALTER TABLE conversations_topicwish ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

GRANT SELECT ON conversations_guidingquestion TO lern_app;
GRANT INSERT, UPDATE ON conversations_guidingquestion TO lern_app;
ALTER TABLE conversations_guidingquestion ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "conversations: questions are known" ON conversations_guidingquestion FOR SELECT TO lern_app USING (true);
CREATE POLICY "conversations: the method owner adds questions" ON conversations_guidingquestion FOR INSERT TO lern_app
  WITH CHECK ((SELECT app_has_role('method_owner')));
CREATE POLICY "conversations: the method owner changes questions" ON conversations_guidingquestion FOR UPDATE TO lern_app
  USING ((SELECT app_has_role('method_owner'))) WITH CHECK ((SELECT app_has_role('method_owner')));

-- ── the guide in versions: everybody reads what was published, the method owner edits the draft ──
GRANT SELECT, INSERT, UPDATE ON conversations_guideversion TO lern_app;
ALTER TABLE conversations_guideversion ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "conversations: published guides are known" ON conversations_guideversion FOR SELECT TO lern_app
  USING (state <> 'draft' OR (SELECT app_has_role('method_owner')));
CREATE POLICY "conversations: the method owner drafts a guide" ON conversations_guideversion FOR INSERT TO lern_app
  WITH CHECK (state = 'draft' AND (SELECT app_has_role('method_owner')));
CREATE POLICY "conversations: the method owner changes guides" ON conversations_guideversion FOR UPDATE TO lern_app
  USING ((SELECT app_has_role('method_owner'))) WITH CHECK ((SELECT app_has_role('method_owner')));

GRANT DELETE ON conversations_guideversion TO lern_app;
CREATE POLICY "conversations: the method owner discards a draft" ON conversations_guideversion FOR DELETE TO lern_app
  USING (state = 'draft' AND (SELECT app_has_role('method_owner')));

-- What was published stays as it was: a talk shows the words it began with.
CREATE OR REPLACE FUNCTION keep_published_guide() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF (OLD.sections, OLD.kind, OLD.number) IS DISTINCT FROM (NEW.sections, NEW.kind, NEW.number) OR NEW.state = 'draft' THEN
    RAISE EXCEPTION 'a published guide does not change' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS keep_published_guide ON conversations_guideversion;
CREATE TRIGGER keep_published_guide BEFORE UPDATE ON conversations_guideversion
  FOR EACH ROW WHEN (OLD.state <> 'draft') EXECUTE FUNCTION keep_published_guide();

-- With which guide a programme begins: for the first talk of two people who get to know each other, the latest version's.
CREATE OR REPLACE FUNCTION first_guide_of_programme(engagement uuid, kind text, companion bigint) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT v.first_guide FROM engagements_engagement e JOIN engagements_programmeversion v ON v.programme_id = e.programme_id
   WHERE e.id = engagement AND first_guide_of_programme.kind = 'introduction' AND NOT EXISTS (
     SELECT FROM conversations_appointment b JOIN conversations_conversation c ON c.appointment_id = b.id
      WHERE b.engagement_id = e.id AND b.companion_id = companion AND b.cancelled_at IS NULL)
   ORDER BY v.number DESC LIMIT 1
$$;
REVOKE ALL ON FUNCTION first_guide_of_programme(uuid, text, bigint) FROM PUBLIC;

-- A talk takes the guide that is in force when its appointment is made, and keeps it.
CREATE OR REPLACE FUNCTION pin_guide() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND OLD.guide_id IS NOT NULL THEN
    NEW.guide_id := OLD.guide_id;
  ELSE
    SELECT g.id INTO NEW.guide_id FROM conversations_appointment a
      JOIN conversations_guideversion g ON g.kind = coalesce(first_guide_of_programme(a.engagement_id, a.kind, a.companion_id), a.kind)
     WHERE a.id = NEW.appointment_id AND g.state = 'published';
  END IF;
  RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS pin_guide ON conversations_conversation;
CREATE TRIGGER pin_guide BEFORE INSERT OR UPDATE OF guide_id ON conversations_conversation
  FOR EACH ROW EXECUTE FUNCTION pin_guide();

-- ── what a person makes of the question bank: private, but for proposals (conversations/kept_questions.py) ──
GRANT SELECT, INSERT, UPDATE, DELETE ON conversations_ownquestion TO lern_app;
GRANT SELECT, INSERT, DELETE ON conversations_favourite, conversations_questionuse, conversations_questionproposal TO lern_app;
ALTER TABLE conversations_ownquestion ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE conversations_favourite ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE conversations_questionuse ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "conversations: take a question along" ON conversations_questionuse FOR INSERT TO lern_app
  WITH CHECK (owner_id = (SELECT app_user_id()) AND app_is_pair(engagement_id) AND (own_question_id IS NULL
              OR EXISTS (SELECT FROM conversations_ownquestion q WHERE q.id = own_question_id)));
CREATE POLICY "conversations: forget what was taken along" ON conversations_questionuse FOR DELETE TO lern_app
  USING (owner_id = (SELECT app_user_id()));

-- How many keep a question, from three on: never who, and nothing about one or two.
CREATE OR REPLACE FUNCTION questions_kept_by_several() RETURNS TABLE (question_id bigint, times bigint)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT f.question_id, count(*) FROM conversations_favourite f GROUP BY 1 HAVING count(*) >= 3
$$;

-- A proposal: the person who made it reads it, and the method owner until it is decided.
ALTER TABLE conversations_questionproposal ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "conversations: own proposals" ON conversations_questionproposal FOR SELECT TO lern_app
  USING (owner_id = (SELECT app_user_id()));
CREATE POLICY "conversations: open proposals for the method owner" ON conversations_questionproposal FOR SELECT TO lern_app
  USING (answer = 'open' AND (SELECT app_has_role('method_owner')));
CREATE POLICY "conversations: companions propose" ON conversations_questionproposal FOR INSERT TO lern_app
  WITH CHECK (owner_id = (SELECT app_user_id()) AND answer = 'open' AND (SELECT app_has_role('companion')));
CREATE POLICY "conversations: take back a proposal" ON conversations_questionproposal FOR DELETE TO lern_app
  USING (owner_id = (SELECT app_user_id()) AND answer = 'open');
CREATE POLICY "conversations: who proposes a question" ON accounts_user FOR SELECT TO lern_app
  USING ((SELECT app_has_role('method_owner'))
         AND id IN (SELECT p.owner_id FROM conversations_questionproposal p WHERE p.answer = 'open'));

-- Answer a proposal, once: true for whoever was first. A decided one is no longer the method owner's to see.
CREATE OR REPLACE FUNCTION decide_question_proposal(proposal uuid, accepted boolean) RETURNS boolean
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF NOT app_has_role('method_owner') THEN
    RAISE EXCEPTION 'proposals are answered by the method owner' USING ERRCODE = '42501';
  END IF;
  UPDATE conversations_questionproposal SET answer = CASE WHEN accepted THEN 'accepted' ELSE 'declined' END,
         decided_at = app_now() WHERE id = proposal AND answer = 'open';
  RETURN FOUND;
END $$;
-- Whom to tell of a proposal: companions do not see the accounts of method owners, and learn no name from this.
CREATE OR REPLACE FUNCTION method_owners() RETURNS TABLE (user_id bigint, language text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT DISTINCT u.id, u.language FROM accounts_rolegrant g JOIN accounts_user u ON u.id = g.user_id AND u.is_active
   WHERE g.role = 'method_owner' AND app_has_role('companion')
     AND g.starts_on <= app_today() AND coalesce(g.ends_on, 'infinity') >= app_today()
$$;
REVOKE ALL ON FUNCTION questions_kept_by_several(), decide_question_proposal(uuid, boolean), method_owners() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION questions_kept_by_several(), decide_question_proposal(uuid, boolean), method_owners() TO lern_app;

-- ── times ──────────────────────────────────────────────────────────────────
-- Whether one of the two has another appointment then, as a learner or as a companion: yes or no, never what or with
-- whom. Holds both people's rows (in the order of their ids) until the transaction ends, so that of many who want the
-- same time exactly one gets it and nobody waits in a circle; the exclusion constraints are the second wall.
CREATE OR REPLACE FUNCTION appointment_clash(engagement uuid, starts timestamptz, ends timestamptz, moved uuid)
  RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE e engagements_engagement;
BEGIN
  IF NOT app_is_pair(engagement) THEN
    RETURN true;
  END IF;
  SELECT * INTO e FROM engagements_engagement WHERE id = engagement;
  PERFORM FROM accounts_user WHERE id IN (e.learner_id, e.companion_id) ORDER BY id FOR NO KEY UPDATE;
  RETURN EXISTS (
    SELECT FROM conversations_appointment a
     WHERE a.cancelled_at IS NULL AND a.id IS DISTINCT FROM moved AND a.starts_at < ends AND a.ends_at > starts
       AND (a.learner_id IN (e.learner_id, e.companion_id) OR a.companion_id IN (e.learner_id, e.companion_id)));
END $$;
REVOKE ALL ON FUNCTION appointment_clash(uuid, timestamptz, timestamptz, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION appointment_clash(uuid, timestamptz, timestamptz, uuid) TO lern_app;

-- When people have no time, for the free slots of conversations/slots.py: from and to, never why or with whom, and only of
-- oneself and of those with whom one has a running companionship. Read by conversations/busy.py alone; whatever else takes
-- somebody's time is one more UNION ALL here.
CREATE OR REPLACE FUNCTION busy_times(people bigint[], starts timestamptz, ends timestamptz)
  RETURNS TABLE (person bigint, starts_at timestamptz, ends_at timestamptz)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH known AS (
    SELECT p AS person FROM unnest(people) AS p WHERE p = app_user_id() OR EXISTS (
      SELECT FROM engagements_engagement e WHERE e.state IN ('introduction', 'active')
         AND app_user_id() IN (e.learner_id, e.companion_id) AND p IN (e.learner_id, e.companion_id)))
  SELECT k.person, a.starts_at, a.ends_at FROM known k JOIN conversations_appointment a ON a.learner_id = k.person
   WHERE a.cancelled_at IS NULL AND a.starts_at < busy_times.ends AND a.ends_at > busy_times.starts
  UNION ALL
  SELECT k.person, a.starts_at, a.ends_at FROM known k JOIN conversations_appointment a ON a.companion_id = k.person
   WHERE a.cancelled_at IS NULL AND a.starts_at < busy_times.ends AND a.ends_at > busy_times.starts
  UNION ALL
  SELECT k.person, t.starts_at, t.ends_at
    FROM known k JOIN conversations_busycalendar c ON c.owner_id = k.person JOIN conversations_busytime t ON t.calendar_id = c.id
   WHERE t.starts_at < busy_times.ends AND t.ends_at > busy_times.starts
$$;
REVOKE ALL ON FUNCTION busy_times(bigint[], timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION busy_times(bigint[], timestamptz, timestamptz) TO lern_app;

-- What a companion offers: their own, and read by those who learn with them.
GRANT SELECT, INSERT, DELETE ON conversations_offeredtime TO lern_app;
GRANT UPDATE (removed_at) ON conversations_offeredtime TO lern_app;
ALTER TABLE conversations_offeredtime ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "conversations: own offered times" ON conversations_offeredtime TO lern_app
  USING (companion_id = (SELECT app_user_id()))
  WITH CHECK (companion_id = (SELECT app_user_id()) AND (SELECT app_has_role('companion')));
CREATE POLICY "conversations: learners read offered times" ON conversations_offeredtime FOR SELECT TO lern_app
  USING (EXISTS (SELECT FROM engagements_engagement e WHERE e.companion_id = conversations_offeredtime.companion_id
                    AND e.learner_id = (SELECT app_user_id()) AND e.state IN ('introduction', 'active')));
GRANT SELECT, INSERT, UPDATE ON conversations_bookingrules TO lern_app;
ALTER TABLE conversations_bookingrules ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "conversations: own booking rules" ON conversations_bookingrules TO lern_app
  USING (companion_id = (SELECT app_user_id()))
  WITH CHECK (companion_id = (SELECT app_user_id()) AND (SELECT app_has_role('companion')));
CREATE POLICY "conversations: learners read booking rules" ON conversations_bookingrules FOR SELECT TO lern_app
  USING (EXISTS (SELECT FROM engagements_engagement e WHERE e.companion_id = conversations_bookingrules.companion_id
                    AND e.learner_id = (SELECT app_user_id()) AND e.state IN ('introduction', 'active')));

-- Proposed dates: each in the own name, between the two of now; of a proposal only the answer changes.
-- DELETE without a policy deletes nothing; Django asks for it when a draft is discarded.
GRANT SELECT, INSERT, DELETE ON conversations_dateproposal TO lern_app;
GRANT UPDATE (answer, answered_at) ON conversations_dateproposal TO lern_app;
ALTER TABLE conversations_dateproposal ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "conversations: the two propose dates" ON conversations_dateproposal FOR INSERT TO lern_app
  WITH CHECK (proposed_by_id = (SELECT app_user_id()) AND app_is_pair(engagement_id) AND EXISTS (
    SELECT FROM engagements_engagement e WHERE e.id = engagement_id AND e.companion_id = conversations_dateproposal.companion_id));
CREATE POLICY "conversations: the two answer" ON conversations_dateproposal FOR UPDATE TO lern_app
  USING (app_is_pair(engagement_id)) WITH CHECK (app_is_pair(engagement_id));

-- When the two part, their coming appointments no longer take anybody's time, whichever way it happened. The mails are
-- written by conversations/receivers.py; this is the net below it.
CREATE OR REPLACE FUNCTION free_times() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE conversations_appointment SET cancelled_at = app_now(), sequence = sequence + 1
   WHERE engagement_id = NEW.id AND cancelled_at IS NULL AND starts_at > app_now();
  RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS free_times ON engagements_engagement;
CREATE TRIGGER free_times AFTER UPDATE OF companion_id, state ON engagements_engagement
  FOR EACH ROW WHEN (OLD.companion_id IS NOT NULL AND NEW.companion_id IS DISTINCT FROM OLD.companion_id
                     OR NEW.state IN ('closed', 'withdrawn', 'erased') AND NEW.state <> OLD.state)
  EXECUTE FUNCTION free_times();

-- ── calendars to subscribe to: the owner's own (conversations/audiences.py); whose an address is, is asked at the door ──
GRANT SELECT, INSERT, UPDATE, DELETE ON conversations_calendarfeed TO lern_app;
ALTER TABLE conversations_calendarfeed ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE OR REPLACE FUNCTION feed_owner(hash text) RETURNS TABLE (owner bigint, naming text, language text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT u.id, f.naming, u.language FROM conversations_calendarfeed f JOIN accounts_user u ON u.id = f.owner_id
   WHERE f.token_hash = hash AND u.is_active
$$;
REVOKE ALL ON FUNCTION feed_owner(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION feed_owner(text) TO lern_app;

-- ── own calendars: address and times are the owner's (conversations/audiences.py); the address has a key of its own,
-- which the worker gets together with it, when it is due. ──
GRANT SELECT, INSERT, DELETE ON conversations_busycalendar TO lern_app;
REVOKE UPDATE ON conversations_busycalendar FROM lern_app;
GRANT UPDATE (address_sealed, next_at, failures) ON conversations_busycalendar TO lern_app;
-- Its id opens a key: nobody takes the id of what has a key already, or of a companionship.
CREATE OR REPLACE FUNCTION own_id_of_calendar() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM accounts_datakey k WHERE k.id = NEW.id) OR EXISTS (SELECT FROM engagements_engagement e WHERE e.id = NEW.id) THEN
    RAISE EXCEPTION 'a calendar has an id of its own' USING ERRCODE = '42501';
  END IF;
  RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS own_id_of_calendar ON conversations_busycalendar;
CREATE TRIGGER own_id_of_calendar BEFORE INSERT OR UPDATE OF id ON conversations_busycalendar
  FOR EACH ROW EXECUTE FUNCTION own_id_of_calendar();
GRANT SELECT, DELETE ON conversations_busytime TO lern_app;
ALTER TABLE conversations_busycalendar ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE conversations_busytime ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "conversations: forget the own busy times" ON conversations_busytime FOR DELETE TO lern_app
  USING (calendar_id IN (SELECT id FROM conversations_busycalendar));
CREATE POLICY "conversations: keys of own calendars" ON accounts_datakey TO lern_app
  USING (owner_id IS NULL AND id IN (SELECT id FROM conversations_busycalendar))
  WITH CHECK (owner_id IS NULL AND id IN (SELECT id FROM conversations_busycalendar));

CREATE OR REPLACE FUNCTION claim_busy_calendars(at timestamptz, until timestamptz, most int)
  RETURNS TABLE (id uuid, zone text, set_at timestamptz, failures int, sealed bytea, master text, wrapped bytea)
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  UPDATE conversations_busycalendar c SET next_at = until
    FROM accounts_user u, accounts_datakey k
   WHERE u.id = c.owner_id AND k.id = c.id AND c.id IN (
     SELECT d.id FROM conversations_busycalendar d JOIN accounts_user o ON o.id = d.owner_id
      WHERE d.next_at <= at AND o.is_active AND d.address_sealed <> '' AND EXISTS (SELECT FROM accounts_datakey x WHERE x.id = d.id)
      ORDER BY d.next_at LIMIT most FOR UPDATE OF d SKIP LOCKED)
  RETURNING c.id, u.time_zone, c.set_at, c.failures, c.address_sealed, k.master, k.wrapped
$$;
-- What came of it; nothing where the address has been changed or removed meanwhile. A problem leaves the times as they were.
CREATE OR REPLACE FUNCTION busy_fetched(busy uuid, was_set_at timestamptz, went_wrong text, at timestamptz, again_at timestamptz,
                                        starts timestamptz[], ends timestamptz[]) RETURNS void
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE conversations_busycalendar SET problem = went_wrong, next_at = again_at,
         failures = CASE WHEN went_wrong = '' THEN 0 ELSE least(failures + 1, 1000) END,
         fetched_at = CASE WHEN went_wrong = '' THEN at ELSE fetched_at END
   WHERE id = busy AND set_at = was_set_at;
  IF FOUND AND went_wrong = '' THEN
    DELETE FROM conversations_busytime WHERE calendar_id = busy;
    INSERT INTO conversations_busytime (calendar_id, starts_at, ends_at) SELECT busy, t.a, t.b FROM unnest(starts, ends) AS t(a, b);
  END IF;
END $$;
DROP FUNCTION IF EXISTS imported_busy(bigint[], timestamptz, timestamptz);  -- busy_times() tells this, too
REVOKE ALL ON FUNCTION claim_busy_calendars(timestamptz, timestamptz, int),
  busy_fetched(uuid, timestamptz, text, timestamptz, timestamptz, timestamptz[], timestamptz[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claim_busy_calendars(timestamptz, timestamptz, int),
  busy_fetched(uuid, timestamptz, text, timestamptz, timestamptz, timestamptz[], timestamptz[]) TO lern_worker;

-- When calendar entries ring, as a person wants it: for the entries that partners send each other.
CREATE OR REPLACE FUNCTION alarms_of(people bigint[]) RETURNS TABLE (person bigint, minutes int)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT s.owner_id, s.alarm_minutes FROM accounts_talksettings s
   WHERE s.owner_id = ANY (people) AND (s.owner_id = app_user_id() OR EXISTS (
     SELECT FROM engagements_engagement e WHERE app_user_id() IN (e.learner_id, e.companion_id)
        AND s.owner_id IN (e.learner_id, e.companion_id)))
$$;
REVOKE ALL ON FUNCTION alarms_of(bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION alarms_of(bigint[]) TO lern_app;

-- ── nothing planned any more: from facts that both share, for the two alone (conversations/quiet.py) ──
CREATE OR REPLACE FUNCTION quiet_since(people bigint[], at timestamptz)
  RETURNS TABLE (engagement uuid, learner bigint, companion bigint, since date)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT e.id, e.learner_id, e.companion_id, (greatest(e.started_at,
           (SELECT max(a.ends_at) FROM conversations_appointment a WHERE a.engagement_id = e.id AND a.cancelled_at IS NULL),
           (SELECT max(greatest(s.answered_at, s.shared_at)) FROM engagements_learningstep s WHERE s.engagement_id = e.id AND s.shared_at IS NOT NULL),
           (SELECT max(i.shared_at) FROM engagements_insight i WHERE i.engagement_id = e.id),
           (SELECT max(j.shared_at) FROM engagements_journalentry j WHERE j.engagement_id = e.id),
           (SELECT max(g.shared_at) FROM engagements_goal g WHERE g.engagement_id = e.id),
           -- whatever one of the two has done that both read of: a talk made, moved or cancelled, a record agreed to, a pause
           (SELECT max(v.at) FROM accounts_auditevent v WHERE v.subject = e.id AND v.actor_id IS NOT NULL))
         AT TIME ZONE 'Europe/Berlin')::date
    FROM (SELECT * FROM engagements_engagement WHERE people IS NULL
          UNION ALL  -- of some people by index, without comparing everybody with each of them
          SELECT * FROM engagements_engagement WHERE id IN (
            SELECT l.id FROM unnest(people) p JOIN engagements_engagement l ON l.learner_id = p
             UNION SELECT c.id FROM unnest(people) p JOIN engagements_engagement c ON c.companion_id = p)) e
   WHERE e.state = 'active'
     AND NOT EXISTS (SELECT FROM accounts_user u WHERE u.id = e.learner_id
                        AND u.agency_id IN (SELECT agencies_without('quiet_question')))
     AND NOT EXISTS (SELECT FROM conversations_appointment a
                      WHERE a.engagement_id = e.id AND a.cancelled_at IS NULL AND a.ends_at > at)
     AND NOT EXISTS (SELECT FROM engagements_learningstep s
                      WHERE s.engagement_id = e.id AND s.state = 'open' AND s.shared_at IS NOT NULL)
$$;
CREATE OR REPLACE FUNCTION quiet_for_me(at timestamptz)
  RETURNS TABLE (engagement uuid, learner bigint, companion bigint, since date)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT * FROM quiet_since(ARRAY[app_user_id()], at) WHERE app_user_id() IS NOT NULL
$$;
-- Who is to be asked now and was not yet: their rhythms, no address and no name.
CREATE OR REPLACE FUNCTION quiet_people(before timestamptz)
  RETURNS TABLE (id bigint, state text, path text, time_zone text, reminder_hour int, work_days int, absent_from date, absent_until date)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT DISTINCT u.id, g.state, g.path, u.time_zone, u.reminder_hour, u.work_days, u.absent_from, u.absent_until
    FROM quiet_since(NULL, app_now()) q JOIN accounts_user u ON u.id IN (q.learner, q.companion)
    JOIN accounts_agency g ON g.id = u.agency_id
   WHERE q.since <= (before AT TIME ZONE 'Europe/Berlin')::date
     AND q.since > (before AT TIME ZONE 'Europe/Berlin')::date - 30 AND u.is_active AND u.reminders_stopped_at IS NULL
     AND NOT EXISTS (SELECT FROM engagements_sentreminder r WHERE r.owner_id = u.id AND r.what = 'quiet'
                      AND r.subject = q.engagement AND r.meant_for = q.since)
$$;
-- Since when the two are asked stands in their row, for both to see, whatever mail either of them wishes; it goes as soon as
-- something is planned. Asked at most thirty days late: who was not asked does not rest either.
CREATE OR REPLACE FUNCTION note_quiet(at timestamptz) RETURNS bigint
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE today date := (at AT TIME ZONE 'Europe/Berlin')::date; number bigint;
BEGIN
  UPDATE engagements_engagement e SET quiet_asked_on = NULL
   WHERE e.quiet_asked_on IS NOT NULL AND e.state <> 'paused'
     AND NOT EXISTS (SELECT FROM quiet_since(NULL, at) q WHERE q.engagement = e.id AND q.since <= today - 56);
  UPDATE engagements_engagement e SET quiet_asked_on = today
    FROM quiet_since(NULL, at) q
   WHERE q.engagement = e.id AND e.quiet_asked_on IS NULL AND e.state = 'active'
     AND q.since <= today - 56 AND q.since > today - 86;
  GET DIAGNOSTICS number = ROW_COUNT;
  RETURN number;
END $$;
CREATE OR REPLACE FUNCTION quiet_to_rest(at timestamptz) RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT e.id FROM engagements_engagement e
   WHERE e.state = 'active' AND e.quiet_asked_on <= (at AT TIME ZONE 'Europe/Berlin')::date - 28
$$;
-- Let one rest. Holds the row first, also against a talk or step just being written, and looks then: what was planned while
-- it waited counts, and of two workers one finds it resting. Answers whom to tell, or nobody.
CREATE OR REPLACE FUNCTION rest_if_quiet(engagement uuid, at timestamptz) RETURNS TABLE (user_id bigint, language text)
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE today date := (at AT TIME ZONE 'Europe/Berlin')::date;
BEGIN
  PERFORM FROM engagements_engagement e WHERE e.id = engagement FOR UPDATE;
  UPDATE engagements_engagement e SET state = 'paused', paused_at = at
   WHERE e.id = engagement AND e.state = 'active' AND e.quiet_asked_on <= today - 28
     AND EXISTS (SELECT FROM quiet_since(ARRAY[e.learner_id], at) q WHERE q.engagement = e.id AND q.since <= today - 84);
  IF FOUND THEN
    RETURN QUERY SELECT u.id, u.language::text FROM engagements_engagement e
      JOIN accounts_user u ON u.id IN (e.learner_id, e.companion_id) WHERE e.id = engagement ORDER BY u.id;
  END IF;
END $$;
REVOKE ALL ON FUNCTION quiet_since(bigint[], timestamptz), quiet_for_me(timestamptz), quiet_people(timestamptz),
  note_quiet(timestamptz), quiet_to_rest(timestamptz), rest_if_quiet(uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION quiet_for_me(timestamptz) TO lern_app;
GRANT EXECUTE ON FUNCTION quiet_since(bigint[], timestamptz), quiet_people(timestamptz), note_quiet(timestamptz),
  quiet_to_rest(timestamptz), rest_if_quiet(uuid, timestamptz) TO lern_worker;

-- Somebody declines in their calendar: the next talk with this identity that stands, if the address is one of the two's.
DROP FUNCTION IF EXISTS talk_declined(uuid, text, timestamptz);
CREATE OR REPLACE FUNCTION talk_declined(identity uuid, address text, at timestamptz, slot timestamptz)
  RETURNS TABLE (talk uuid, sequence int, ends_at timestamptz, person bigint, language text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT a.id, a.sequence, a.ends_at, u.id, u.language FROM conversations_appointment a
    JOIN accounts_user u ON u.id IN (a.learner_id, a.companion_id) AND u.email = lower(address) AND u.is_active
   WHERE identity IN (a.id, a.series) AND a.cancelled_at IS NULL AND a.ends_at > at AND (slot IS NULL OR a.slot_at = slot)
   ORDER BY a.starts_at LIMIT 1
$$;
REVOKE ALL ON FUNCTION talk_declined(uuid, text, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION talk_declined(uuid, text, timestamptz, timestamptz) TO lern_worker;

-- ── before a talk: when it is and whether one wants to be reminded (conversations/talk_reminders.py) ──
CREATE OR REPLACE FUNCTION talks_coming(people bigint[], at timestamptz, until timestamptz)
  RETURNS TABLE (person bigint, talk uuid, starts timestamptz, remind text, made timestamptz)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT p.id, c.id, a.starts_at, coalesce(s.remind, 'day_before'), a.made_at
    FROM (SELECT * FROM conversations_appointment WHERE people IS NULL AND starts_at > at AND starts_at < until
          UNION ALL  -- of some people by index, without looking at everybody's
          SELECT * FROM conversations_appointment
           WHERE (learner_id = ANY (people) OR companion_id = ANY (people)) AND starts_at > at AND starts_at < until) a
    JOIN conversations_conversation c ON c.appointment_id = a.id
    JOIN engagements_engagement e ON e.id = a.engagement_id AND e.companion_id = a.companion_id
    CROSS JOIN LATERAL (VALUES (a.learner_id), (a.companion_id)) AS p(id)
    LEFT JOIN accounts_talksettings s ON s.owner_id = p.id
   WHERE a.cancelled_at IS NULL AND c.locked_at IS NULL
     AND e.state IN ('introduction', 'active') AND (people IS NULL OR p.id = ANY (people))
     AND coalesce(s.remind, 'day_before') <> 'off'
$$;
CREATE OR REPLACE FUNCTION talks_coming_for_me(at timestamptz, until timestamptz)
  RETURNS TABLE (person bigint, talk uuid, starts timestamptz, remind text, made timestamptz)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT * FROM talks_coming(ARRAY[app_user_id()], at, until) WHERE app_user_id() IS NOT NULL
$$;
-- Who has a talk ahead, was not told of it, and has no digest in the outbox that goes out before it.
CREATE OR REPLACE FUNCTION people_to_remind(at timestamptz, until timestamptz)
  RETURNS TABLE (id bigint, state text, path text, time_zone text, reminder_hour int, work_days int, absent_from date, absent_until date)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT DISTINCT u.id, g.state, g.path, u.time_zone, u.reminder_hour, u.work_days, u.absent_from, u.absent_until
    FROM talks_coming(NULL, at, until) t JOIN accounts_user u ON u.id = t.person JOIN accounts_agency g ON g.id = u.agency_id
   WHERE u.is_active AND u.reminders_stopped_at IS NULL
     AND NOT EXISTS (SELECT FROM engagements_sentreminder r WHERE r.owner_id = u.id AND r.what = 'talk' AND r.subject = t.talk
                      AND r.meant_for = (t.starts AT TIME ZONE u.time_zone)::date)
     AND NOT EXISTS (SELECT FROM accounts_outgoingmail m WHERE m.recipient_id = u.id AND m.kind = 'digest' AND m.due_at < t.starts
                      AND m.sent_at IS NULL AND m.dropped_at IS NULL AND m.failed_at IS NULL)
$$;
REVOKE ALL ON FUNCTION talks_coming(bigint[], timestamptz, timestamptz), talks_coming_for_me(timestamptz, timestamptz),
  people_to_remind(timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION talks_coming_for_me(timestamptz, timestamptz) TO lern_app;
GRANT EXECUTE ON FUNCTION talks_coming(bigint[], timestamptz, timestamptz), people_to_remind(timestamptz, timestamptz) TO lern_worker;

-- The access log: a line for each of these items that belongs to somebody else, once an hour. Whose an item is, is
-- looked up here, so that a line cannot be forged or left out by whoever calls. The only way to write into the log.
CREATE OR REPLACE FUNCTION log_openings(reader bigint, kinds text[], items uuid[]) RETURNS void
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  INSERT INTO accounts_opening (kind, item, engagement, owner_id, reader_id, at, hour)
  SELECT o.kind, o.item, f.engagement, f.owner, reader, app_now(), date_trunc('hour', app_now())
    FROM unnest(kinds, items) AS o(kind, item)
    CROSS JOIN LATERAL (
      SELECT e.id AS engagement, e.learner_id AS owner
        FROM engagements_engagement e
       WHERE e.id = CASE o.kind
         WHEN 'learningconcern' THEN (SELECT engagement_id FROM engagements_learningconcern WHERE id = o.item)
         WHEN 'learningstep' THEN (SELECT engagement_id FROM engagements_learningstep WHERE id = o.item)
         WHEN 'insight' THEN (SELECT engagement_id FROM engagements_insight WHERE id = o.item)
         WHEN 'goal' THEN (SELECT engagement_id FROM engagements_goal WHERE id = o.item)
         WHEN 'goalrating' THEN (SELECT engagement_id FROM engagements_goalrating WHERE id = o.item)
         WHEN 'journalentry' THEN (SELECT engagement_id FROM engagements_journalentry WHERE id = o.item)
         WHEN 'conversation' THEN (SELECT engagement_id FROM conversations_conversation WHERE id = o.item)
         WHEN 'conversationpart' THEN (SELECT c.engagement_id FROM conversations_conversationpart p
                                         JOIN conversations_conversation c ON c.id = p.conversation_id WHERE p.id = o.item)
         WHEN 'topicwish' THEN (SELECT c.engagement_id FROM conversations_topicwish w
                                  JOIN conversations_conversation c ON c.id = w.conversation_id WHERE w.id = o.item)
         WHEN 'changeidea' THEN (SELECT c.engagement_id FROM conversations_changeidea i
                                   JOIN conversations_conversation c ON c.id = i.conversation_id WHERE i.id = o.item)
         WHEN 'recordversion' THEN (SELECT c.engagement_id FROM conversations_recordversion v
                                      JOIN conversations_conversation c ON c.id = v.conversation_id WHERE v.id = o.item)
         END
      UNION ALL
      SELECT a.engagement_id, coalesce(a.written_by_id, e.learner_id)
        FROM engagements_agreement a JOIN engagements_engagement e ON e.id = a.engagement_id
       WHERE o.kind = 'agreement' AND a.id = o.item
      UNION ALL
      SELECT c.engagement_id, v.author_id FROM conversations_observation v
        JOIN conversations_conversation c ON c.id = v.conversation_id WHERE o.kind = 'observation' AND v.id = o.item
      UNION ALL
      SELECT c.engagement_id, x.author_id FROM conversations_addition x
        JOIN conversations_conversation c ON c.id = x.conversation_id WHERE o.kind = 'addition' AND x.id = o.item
      UNION ALL
      SELECT c.engagement_id, f.author_id FROM conversations_feedback f
        JOIN conversations_conversation c ON c.id = f.conversation_id WHERE o.kind = 'feedback' AND f.id = o.item
      UNION ALL
      SELECT c.engagement_id, k.owner_id FROM conversations_talkcheck k
        JOIN conversations_conversation c ON c.id = k.conversation_id WHERE o.kind = 'talkcheck' AND k.id = o.item
      UNION ALL
      SELECT c.engagement_id, p.owner_id FROM conversations_preparation p
        JOIN conversations_conversation c ON c.id = p.conversation_id WHERE o.kind = 'preparation' AND p.id = o.item) f
   WHERE f.owner <> reader
  ON CONFLICT DO NOTHING
$$;
REVOKE ALL ON FUNCTION log_openings(bigint, text[], uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION log_openings(bigint, text[], uuid[]) TO lern_app;

-- What is due is erased: the rules of the privacy.py files, run once a day by the worker, who reads nothing for it.
-- The data key goes first, so that the texts are unreadable in every backup once the keys' own backups have run out.
CREATE OR REPLACE FUNCTION erase_due() RETURNS TABLE (what text, number bigint)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE gone uuid[];
BEGIN
  SELECT coalesce(array_agg(e.id), '{}') INTO gone FROM engagements_engagement e
   WHERE e.state = 'draft' AND app_now() - interval '60 days' > greatest(e.created_at,
           (SELECT max(c.changed_at) FROM engagements_learningconcern c WHERE c.engagement_id = e.id))
      OR e.state = 'withdrawn' AND e.closed_at < app_now() - interval '30 days'
      OR e.state = 'closed' AND e.closed_at < app_now() - interval '90 days';
  DELETE FROM accounts_datakey WHERE id = ANY (gone);
  DELETE FROM conversations_observation o USING conversations_conversation c WHERE c.id = o.conversation_id AND c.engagement_id = ANY (gone);
  DELETE FROM conversations_changeidea i USING conversations_conversation c WHERE c.id = i.conversation_id AND c.engagement_id = ANY (gone);
  DELETE FROM conversations_recordversion v USING conversations_conversation c WHERE c.id = v.conversation_id AND c.engagement_id = ANY (gone);
  DELETE FROM conversations_addition x USING conversations_conversation c WHERE c.id = x.conversation_id AND c.engagement_id = ANY (gone);
  DELETE FROM conversations_feedback f USING conversations_conversation c WHERE c.id = f.conversation_id AND c.engagement_id = ANY (gone);
  DELETE FROM conversations_talkcheck k USING conversations_conversation c, engagements_engagement e
   WHERE c.id = k.conversation_id AND e.id = c.engagement_id
     AND (e.id = ANY (gone) OR e.state = 'closed' AND e.closed_at < app_now() - interval '30 days');
  DELETE FROM conversations_topicwish w USING conversations_conversation c WHERE c.id = w.conversation_id AND c.engagement_id = ANY (gone);
  DELETE FROM conversations_conversationpart p USING conversations_conversation c WHERE c.id = p.conversation_id AND c.engagement_id = ANY (gone);
  DELETE FROM conversations_preparation p USING conversations_conversation c, engagements_engagement e
   WHERE c.id = p.conversation_id AND e.id = c.engagement_id
     AND (e.id = ANY (gone) OR e.state = 'closed' AND e.closed_at < app_now() - interval '30 days');
  GET DIAGNOSTICS number = ROW_COUNT; what := 'preparations'; RETURN NEXT;
  DELETE FROM conversations_questionuse u USING engagements_engagement e WHERE e.id = u.engagement_id
     AND (e.id = ANY (gone) OR e.state = 'closed' AND e.closed_at < app_now() - interval '30 days');
  DELETE FROM conversations_dateproposal WHERE engagement_id = ANY (gone)
      OR least(until, answered_at) < app_now() - interval '30 days';
  DELETE FROM conversations_offeredtime WHERE removed_at < app_now() - interval '1 day' OR day < app_today() - 1;
  DELETE FROM conversations_questionproposal WHERE decided_at < app_now() - interval '30 days';
  DELETE FROM conversations_conversation WHERE engagement_id = ANY (gone);
  DELETE FROM conversations_appointment WHERE engagement_id = ANY (gone);
  DELETE FROM engagements_formerwords WHERE engagement_id = ANY (gone);
  DELETE FROM engagements_goalrating WHERE engagement_id = ANY (gone);
  DELETE FROM engagements_goal WHERE engagement_id = ANY (gone);
  DELETE FROM engagements_insight WHERE engagement_id = ANY (gone);
  DELETE FROM engagements_journalentry WHERE engagement_id = ANY (gone);
  DELETE FROM engagements_substitution WHERE ends_on < app_today() - 1 OR asked_at < app_now() - interval '365 days';
  DELETE FROM engagements_sentreminder r USING engagements_learningstep s WHERE s.id = r.subject AND s.engagement_id = ANY (gone);
  DELETE FROM engagements_sentreminder WHERE subject = ANY (gone) OR sent_on < app_today() - 90;
  DELETE FROM engagements_learningstep WHERE engagement_id = ANY (gone);
  DELETE FROM engagements_agreement WHERE engagement_id = ANY (gone);
  DELETE FROM engagements_parting WHERE engagement_id = ANY (gone) OR at < app_now() - interval '7 days';
  DELETE FROM engagements_draftline l USING engagements_assignmentdraft d
   WHERE d.id = l.draft_id AND (d.changed_at < app_now() - interval '30 days' OR l.engagement_id = ANY (gone)
         OR NOT EXISTS (SELECT FROM engagements_engagement e WHERE e.id = l.engagement_id));
  UPDATE engagements_assignmentdraft d SET based_on_id = NULL FROM engagements_assignmentdraft b
   WHERE b.id = d.based_on_id AND b.changed_at < app_now() - interval '30 days';
  DELETE FROM engagements_assignmentdraft WHERE changed_at < app_now() - interval '30 days';
  GET DIAGNOSTICS number = ROW_COUNT; what := 'assignment drafts'; RETURN NEXT;
  DELETE FROM engagements_companionproposal WHERE engagement_id = ANY (gone)
      OR engagement_id IN (SELECT id FROM engagements_engagement WHERE introduced_at < app_now() - interval '30 days');
  DELETE FROM engagements_learningconcern WHERE engagement_id = ANY (gone);
  DELETE FROM engagements_engagement WHERE id = ANY (gone);
  GET DIAGNOSTICS number = ROW_COUNT; what := 'engagements'; RETURN NEXT;
  DELETE FROM django_session WHERE expire_date < now();
  DELETE FROM accounts_signin i WHERE i.since < app_now() - interval '1 day'
      AND NOT EXISTS (SELECT FROM django_session s WHERE session_hash(s.session_key) = i.key_hash);
  DELETE FROM accounts_importline l USING accounts_importfile f WHERE f.id = l.file_id AND f.changed_at < app_now() - interval '30 days';
  DELETE FROM accounts_importfile WHERE changed_at < app_now() - interval '30 days';
  DELETE FROM accounts_pushdevice WHERE since < app_now() - interval '365 days';
  DELETE FROM conversations_busytime WHERE ends_at < app_now() - interval '1 day';
  -- Who has left: no calendar is fetched, none can be subscribed to, nothing is offered.
  DELETE FROM accounts_datakey k USING conversations_busycalendar c, accounts_user u
   WHERE k.id = c.id AND u.id = c.owner_id AND NOT u.is_active;
  DELETE FROM conversations_busytime t USING conversations_busycalendar c, accounts_user u
   WHERE c.id = t.calendar_id AND u.id = c.owner_id AND NOT u.is_active;
  DELETE FROM conversations_busycalendar c USING accounts_user u WHERE u.id = c.owner_id AND NOT u.is_active;
  DELETE FROM conversations_calendarfeed f USING accounts_user u WHERE u.id = f.owner_id AND NOT u.is_active;
  DELETE FROM conversations_offeredtime o USING accounts_user u WHERE u.id = o.companion_id AND NOT u.is_active;
  DELETE FROM conversations_bookingrules b USING accounts_user u WHERE u.id = b.companion_id AND NOT u.is_active;
  DELETE FROM accounts_datakey k USING engagements_directline l WHERE k.id = l.id AND l.last_at < app_now() - interval '90 days';
  DELETE FROM engagements_linemessage m USING engagements_directline l WHERE l.id = m.line_id AND l.last_at < app_now() - interval '90 days';
  DELETE FROM engagements_directline WHERE last_at < app_now() - interval '90 days';
  GET DIAGNOSTICS number = ROW_COUNT; what := 'direct lines'; RETURN NEXT;
  DELETE FROM engagements_waitingfigure WHERE quarter < app_quarter('-3 years');
  DELETE FROM accounts_draft WHERE changed_at < app_now() - interval '60 days';
  GET DIAGNOSTICS number = ROW_COUNT; what := 'drafts'; RETURN NEXT;
  DELETE FROM accounts_opening WHERE at < app_now() - interval '365 days' OR engagement = ANY (gone);
  DELETE FROM accounts_auditevent WHERE at < app_now() - interval '365 days';
  GET DIAGNOSTICS number = ROW_COUNT; what := 'audit lines'; RETURN NEXT;
  DELETE FROM accounts_outgoingmail
   WHERE coalesce(sent_at, dropped_at, failed_at) < app_now() - interval '30 days';
  GET DIAGNOSTICS number = ROW_COUNT; what := 'mails'; RETURN NEXT;
  DELETE FROM accounts_pausedaddress WHERE since < app_now() - interval '365 days';
  DELETE FROM accounts_invitation WHERE coalesce(accepted_at, withdrawn_at, expires_at) < app_now() - interval '30 days';
  GET DIAGNOSTICS number = ROW_COUNT; what := 'invitations'; RETURN NEXT;
  DELETE FROM engagements_transfercheck WHERE answered_at IS NULL AND due_on < app_today() - 90;
  GET DIAGNOSTICS number = ROW_COUNT; what := 'look-backs'; RETURN NEXT;
  PERFORM mix_ratings();
END $$;
REVOKE ALL ON FUNCTION erase_due() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erase_due() TO lern_worker;
