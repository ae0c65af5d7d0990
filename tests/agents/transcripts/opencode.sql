CREATE TABLE session (id text PRIMARY KEY, parent_id text, directory text NOT NULL, title text NOT NULL,
  time_created integer NOT NULL, time_updated integer NOT NULL);
CREATE TABLE message (id text PRIMARY KEY, session_id text NOT NULL, time_created integer NOT NULL, data text NOT NULL);
CREATE TABLE part (id text PRIMARY KEY, message_id text NOT NULL, session_id text NOT NULL, data text NOT NULL);
INSERT INTO session VALUES ('ses_1', NULL, '@CWD@', 'A title', 1793872800000, 1793872805000);
INSERT INTO message VALUES ('msg_1', 'ses_1', 1793872800000, '{"role":"user","time":{"created":1793872800000}}');
INSERT INTO part VALUES ('prt_1', 'msg_1', 'ses_1', '{"type":"text","text":"say hello"}');
INSERT INTO part VALUES ('prt_2', 'msg_1', 'ses_1', '{"type":"text","text":"the program''s own","synthetic":true}');
INSERT INTO message VALUES ('msg_2', 'ses_1', 1793872801000,
  '{"role":"assistant","time":{"created":1793872801000},"modelID":"stub-model","providerID":"stub"}');
INSERT INTO part VALUES ('prt_3', 'msg_2', 'ses_1', '{"type":"step-start"}');
INSERT INTO part VALUES ('prt_4', 'msg_2', 'ses_1', '{"type":"reasoning","text":"easy"}');
INSERT INTO part VALUES ('prt_5', 'msg_2', 'ses_1',
  '{"type":"tool","tool":"bash","callID":"c1","state":{"status":"error","input":{"command":"hello"},"error":"not found"}}');
INSERT INTO part VALUES ('prt_6', 'msg_2', 'ses_1',
  '{"type":"step-finish","tokens":{"input":700,"output":20,"reasoning":10,"cache":{"read":300,"write":0}},"cost":0.0042}');
INSERT INTO message VALUES ('msg_3', 'ses_1', 1793872802000,
  '{"role":"assistant","time":{"created":1793872802000},"modelID":"stub-model","providerID":"stub"}');
INSERT INTO part VALUES ('prt_7', 'msg_3', 'ses_1', '{"type":"text","text":"hello"}');
INSERT INTO part VALUES ('prt_8', 'msg_3', 'ses_1',
  '{"type":"step-finish","tokens":{"input":800,"output":2,"reasoning":0,"cache":{"read":0,"write":0}},"cost":0}');
