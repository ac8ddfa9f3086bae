-- Catalogue of schema version 1: two copies of one set on tape, one cartridge outside. Frozen.
PRAGMA foreign_keys = OFF;
BEGIN TRANSACTION;
CREATE TABLE backup_set (
    id           TEXT NOT NULL PRIMARY KEY,
    definition   TEXT NOT NULL REFERENCES set_definition (id),
    run          TEXT NOT NULL REFERENCES run (id),
    month        TEXT NOT NULL CHECK (month GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]'),
    state        TEXT NOT NULL CHECK (state IN ('open', 'complete', 'failed', 'expired')),
    started_at   TEXT NOT NULL,
    finished_at  TEXT,
    retain_until TEXT NOT NULL,
    members      INTEGER NOT NULL DEFAULT 0 CHECK (members >= 0),
    bytes        INTEGER NOT NULL DEFAULT 0 CHECK (bytes >= 0),
    problems     INTEGER NOT NULL DEFAULT 0 CHECK (problems >= 0),
    index_file   TEXT,
    index_digest TEXT CHECK (length(index_digest) = 64),
    CONSTRAINT set_index_whole CHECK ((index_file IS NULL) = (index_digest IS NULL)),
    CONSTRAINT set_complete CHECK (state <> 'complete' OR index_file IS NOT NULL)
) STRICT;
INSERT INTO "backup_set" VALUES('01a1fe38-4fdb-7e3c-a042-d78b4888c3ee','01a1fe38-4fc4-7c6b-81b0-931e38979594','01a1fe38-4fde-71e0-a617-1d230c212956','2026-11','complete','2026-11-21T13:07:45.762736183Z','2026-11-21T13:07:45.816239710Z','2027-11-21T13:07:45.762736183Z',4,300003,0,'01a1fe38-4fdb-7e3c-a042-d78b4888c3ee.index','37b5a08ef8136d45cba017b4d6f564574b8ef2700af9a6109f6e051ac4398154');
CREATE TABLE cartridge (
    id             TEXT NOT NULL PRIMARY KEY,
    barcode        TEXT NOT NULL,
    generation     TEXT NOT NULL,
    medium_use     TEXT NOT NULL CHECK (medium_use IN ('data', 'worm', 'cleaning', 'diagnostic')),
    medium_serial  TEXT,
    added_at       TEXT NOT NULL,
    gone_at        TEXT,
    place          TEXT NOT NULL DEFAULT 'unknown',
    place_library  TEXT REFERENCES library (id),
    place_kind     TEXT,
    place_element  INTEGER,
    place_name     TEXT,
    place_since    TEXT NOT NULL
) STRICT;
INSERT INTO "cartridge" VALUES('01a1fe38-4fb5-786f-a43f-0a5ece03b780','TWV001L8','LTO-8','data',NULL,'2026-11-21T13:07:45.717536440Z',NULL,'outside',NULL,NULL,NULL,NULL,'2026-11-21T13:07:46.013331202Z');
INSERT INTO "cartridge" VALUES('01a1fe38-4fb5-768f-940a-be843e17caa9','TWV002L8','LTO-8','data',NULL,'2026-11-21T13:07:45.717536440Z',NULL,'element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','import_export',770,NULL,'2026-11-21T13:07:45.994659308Z');
INSERT INTO "cartridge" VALUES('01a1fe38-4fb5-7e38-81aa-edcc44573634','TWV003L8','LTO-8','data',NULL,'2026-11-21T13:07:45.717536440Z',NULL,'element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1027,NULL,'2026-11-21T13:07:46.083279696Z');
INSERT INTO "cartridge" VALUES('01a1fe38-4fb5-705f-9315-77d4472e185c','TWV004L8','LTO-8','data',NULL,'2026-11-21T13:07:45.717536440Z',NULL,'element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','import_export',769,NULL,'2026-11-21T13:07:46.054866710Z');
INSERT INTO "cartridge" VALUES('01a1fe38-4fb5-7411-b5ba-82216f0ae6e5','TWV005L8','LTO-8','data',NULL,'2026-11-21T13:07:45.717536440Z',NULL,'element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1029,NULL,'2026-11-21T13:07:45.721311141Z');
INSERT INTO "cartridge" VALUES('01a1fe38-4fb5-7875-a303-7cf0a3fb7ef7','TWV006L8','LTO-8','data',NULL,'2026-11-21T13:07:45.717536440Z',NULL,'element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1030,NULL,'2026-11-21T13:07:45.721311141Z');
INSERT INTO "cartridge" VALUES('01a1fe38-4fb5-7adb-a1f4-ece7755048ef','TWV007L8','LTO-8','data',NULL,'2026-11-21T13:07:45.717536440Z',NULL,'element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1031,NULL,'2026-11-21T13:07:45.721311141Z');
INSERT INTO "cartridge" VALUES('01a1fe38-4fb5-75fb-b4fa-5910a9a7631e','TWV008L8','LTO-8','data',NULL,'2026-11-21T13:07:45.717536440Z',NULL,'element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1032,NULL,'2026-11-21T13:07:45.721311141Z');
INSERT INTO "cartridge" VALUES('01a1fe38-4fb5-749f-957e-4f416593e46d','TWV009L8','LTO-8','data',NULL,'2026-11-21T13:07:45.717536440Z',NULL,'element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1033,NULL,'2026-11-21T13:07:45.721311141Z');
INSERT INTO "cartridge" VALUES('01a1fe38-4fb5-74a8-b080-7d8b1ce65756','TWV010L8','LTO-8','data',NULL,'2026-11-21T13:07:45.717536440Z',NULL,'element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1034,NULL,'2026-11-21T13:07:45.721311141Z');
INSERT INTO "cartridge" VALUES('01a1fe38-4fb5-7628-829a-056ee6d019f4','TWV011L8','LTO-8','data',NULL,'2026-11-21T13:07:45.717536440Z',NULL,'element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1035,NULL,'2026-11-21T13:07:45.721311141Z');
INSERT INTO "cartridge" VALUES('01a1fe38-4fb5-7441-b39e-98751384afd3','TWV012L8','LTO-8','data',NULL,'2026-11-21T13:07:45.717536440Z',NULL,'element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1036,NULL,'2026-11-21T13:07:45.721311141Z');
INSERT INTO "cartridge" VALUES('01a1fe38-4fb5-732f-a6a0-df77fdf82584','TWV013L8','LTO-8','data',NULL,'2026-11-21T13:07:45.717536440Z',NULL,'element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1037,NULL,'2026-11-21T13:07:45.721311141Z');
INSERT INTO "cartridge" VALUES('01a1fe38-4fb5-7a2e-a56e-0dfa5a730023','TWV014L8','LTO-8','data',NULL,'2026-11-21T13:07:45.717536440Z',NULL,'element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1038,NULL,'2026-11-21T13:07:45.721311141Z');
INSERT INTO "cartridge" VALUES('01a1fe38-4fb5-725d-9022-cefa01472bcc','TWV015L8','LTO-8','data',NULL,'2026-11-21T13:07:45.717536440Z',NULL,'element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1039,NULL,'2026-11-21T13:07:45.721311141Z');
INSERT INTO "cartridge" VALUES('01a1fe38-4fb5-719b-b83b-8248211d17e2','TWV016L8','LTO-8','data',NULL,'2026-11-21T13:07:45.717536440Z',NULL,'element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1040,NULL,'2026-11-21T13:07:45.721311141Z');
INSERT INTO "cartridge" VALUES('01a1fe38-4fb5-7415-8805-d6b923e80af6','TWV017L8','LTO-8','data',NULL,'2026-11-21T13:07:45.717536440Z',NULL,'element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1041,NULL,'2026-11-21T13:07:45.721311141Z');
INSERT INTO "cartridge" VALUES('01a1fe38-4fb5-78fa-9b24-4f0dc9edfd2d','TWV018L8','LTO-8','data',NULL,'2026-11-21T13:07:45.717536440Z',NULL,'element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1042,NULL,'2026-11-21T13:07:45.721311141Z');
INSERT INTO "cartridge" VALUES('01a1fe38-4fb5-7309-a6be-5af2afe74f9a','TWV019L8','LTO-8','data',NULL,'2026-11-21T13:07:45.717536440Z',NULL,'element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1043,NULL,'2026-11-21T13:07:45.721311141Z');
INSERT INTO "cartridge" VALUES('01a1fe38-4fb5-7b88-ac48-66a660e3e2aa','TWV020L8','LTO-8','data',NULL,'2026-11-21T13:07:45.717536440Z',NULL,'element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1044,NULL,'2026-11-21T13:07:45.721311141Z');
CREATE TABLE drive (
    serial        TEXT NOT NULL PRIMARY KEY,
    vendor        TEXT NOT NULL,
    product       TEXT NOT NULL,
    library       TEXT REFERENCES library (id),
    element       INTEGER CHECK (element BETWEEN 0 AND 65535),
    seen_at       TEXT NOT NULL
) STRICT;
CREATE TABLE journal (
    sequence INTEGER PRIMARY KEY,
    body     TEXT NOT NULL,
    hash     TEXT NOT NULL CHECK (length(hash) = 64),
    at       TEXT NOT NULL GENERATED ALWAYS AS (body ->> '$.at') VIRTUAL,
    kind     TEXT NOT NULL GENERATED ALWAYS AS (body ->> '$.kind') VIRTUAL,
    run      TEXT GENERATED ALWAYS AS (body ->> '$.subjects.run') VIRTUAL,
    CONSTRAINT journal_sequence CHECK (sequence >= 1 AND body ->> '$.sequence' = sequence)
) STRICT;
INSERT INTO "journal" VALUES(1,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.686698199Z","details":{"program":"tapeward 0.1.0"},"kind":"catalogue_created","previous":"0000000000000000000000000000000000000000000000000000000000000000","sequence":1,"subjects":{}}','5554ac287fa59c0dee9d4bb27cc8e8d093101d4ba753bad3602eaff4753252d8');
INSERT INTO "journal" VALUES(2,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.698704597Z","details":{"name":"site","recipient":"age1m3r5rdctlxez2e6yutj6pfmac3gsvp7jz420rhkvjz7fd4ms74ksk8c8tz","role":"site"},"kind":"key_added","previous":"5554ac287fa59c0dee9d4bb27cc8e8d093101d4ba753bad3602eaff4753252d8","sequence":2,"subjects":{"key":"01a1fe38-4fa2-77ac-9f22-3bbd4a5e99ac"}}','b7acee1d5e01912125ca464a2d43a24a6c4d781ff8db28fffcfd532739ca7f0c');
INSERT INTO "journal" VALUES(3,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.717536440Z","details":{"barcode":"TWV001L8"},"kind":"cartridge_added","previous":"b7acee1d5e01912125ca464a2d43a24a6c4d781ff8db28fffcfd532739ca7f0c","sequence":3,"subjects":{"cartridge":"01a1fe38-4fb5-786f-a43f-0a5ece03b780"}}','de515d86b6ec3bf9cfcee251cb4401d45b6e44081464812d8680fb77def87a97');
INSERT INTO "journal" VALUES(4,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.717536440Z","details":{"barcode":"TWV002L8"},"kind":"cartridge_added","previous":"de515d86b6ec3bf9cfcee251cb4401d45b6e44081464812d8680fb77def87a97","sequence":4,"subjects":{"cartridge":"01a1fe38-4fb5-768f-940a-be843e17caa9"}}','c0821418b15eafa0ac7f46de333a43ba24dc8eb15f5dbb1d51d1e4c1bea68a8d');
INSERT INTO "journal" VALUES(5,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.717536440Z","details":{"barcode":"TWV003L8"},"kind":"cartridge_added","previous":"c0821418b15eafa0ac7f46de333a43ba24dc8eb15f5dbb1d51d1e4c1bea68a8d","sequence":5,"subjects":{"cartridge":"01a1fe38-4fb5-7e38-81aa-edcc44573634"}}','9cc0c0467134fd3be5feaea467692abe3c69a8934190df8e71b808d98c76f853');
INSERT INTO "journal" VALUES(6,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.717536440Z","details":{"barcode":"TWV004L8"},"kind":"cartridge_added","previous":"9cc0c0467134fd3be5feaea467692abe3c69a8934190df8e71b808d98c76f853","sequence":6,"subjects":{"cartridge":"01a1fe38-4fb5-705f-9315-77d4472e185c"}}','760d614e1c51c7f92307bb35984d747f552177800cc20aa010138481d415bb0d');
INSERT INTO "journal" VALUES(7,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.717536440Z","details":{"barcode":"TWV005L8"},"kind":"cartridge_added","previous":"760d614e1c51c7f92307bb35984d747f552177800cc20aa010138481d415bb0d","sequence":7,"subjects":{"cartridge":"01a1fe38-4fb5-7411-b5ba-82216f0ae6e5"}}','ea7171cc7ce37a212c29c3ce36d1e76dda547595e373fdd7475c1518cf461f27');
INSERT INTO "journal" VALUES(8,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.717536440Z","details":{"barcode":"TWV006L8"},"kind":"cartridge_added","previous":"ea7171cc7ce37a212c29c3ce36d1e76dda547595e373fdd7475c1518cf461f27","sequence":8,"subjects":{"cartridge":"01a1fe38-4fb5-7875-a303-7cf0a3fb7ef7"}}','bcdc9691844b117dfad35205587eca12055eda79ead2fce49f78a4cf92885397');
INSERT INTO "journal" VALUES(9,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.717536440Z","details":{"barcode":"TWV007L8"},"kind":"cartridge_added","previous":"bcdc9691844b117dfad35205587eca12055eda79ead2fce49f78a4cf92885397","sequence":9,"subjects":{"cartridge":"01a1fe38-4fb5-7adb-a1f4-ece7755048ef"}}','273cc1e38c50ece7044ff357b6a9bc924a8daa73fe33e66337d6aaafaaf52ce8');
INSERT INTO "journal" VALUES(10,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.717536440Z","details":{"barcode":"TWV008L8"},"kind":"cartridge_added","previous":"273cc1e38c50ece7044ff357b6a9bc924a8daa73fe33e66337d6aaafaaf52ce8","sequence":10,"subjects":{"cartridge":"01a1fe38-4fb5-75fb-b4fa-5910a9a7631e"}}','483e4c4834cef15f8ea41d6039c78118316ffb7f671f238c5461242269480a09');
INSERT INTO "journal" VALUES(11,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.717536440Z","details":{"barcode":"TWV009L8"},"kind":"cartridge_added","previous":"483e4c4834cef15f8ea41d6039c78118316ffb7f671f238c5461242269480a09","sequence":11,"subjects":{"cartridge":"01a1fe38-4fb5-749f-957e-4f416593e46d"}}','2f1600ba2a16da1d849147fb2470c5b30a4cfb183f05b3825d2c7b3d25629d64');
INSERT INTO "journal" VALUES(12,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.717536440Z","details":{"barcode":"TWV010L8"},"kind":"cartridge_added","previous":"2f1600ba2a16da1d849147fb2470c5b30a4cfb183f05b3825d2c7b3d25629d64","sequence":12,"subjects":{"cartridge":"01a1fe38-4fb5-74a8-b080-7d8b1ce65756"}}','5aa572e782e14bdb415d13fc5c81823f4e8283b7931c20b3a6922b3f1b836330');
INSERT INTO "journal" VALUES(13,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.717536440Z","details":{"barcode":"TWV011L8"},"kind":"cartridge_added","previous":"5aa572e782e14bdb415d13fc5c81823f4e8283b7931c20b3a6922b3f1b836330","sequence":13,"subjects":{"cartridge":"01a1fe38-4fb5-7628-829a-056ee6d019f4"}}','ecadf6f83908ef5a2eb072ef92fbec8138461b9239489693077a2795d6a5fb31');
INSERT INTO "journal" VALUES(14,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.717536440Z","details":{"barcode":"TWV012L8"},"kind":"cartridge_added","previous":"ecadf6f83908ef5a2eb072ef92fbec8138461b9239489693077a2795d6a5fb31","sequence":14,"subjects":{"cartridge":"01a1fe38-4fb5-7441-b39e-98751384afd3"}}','eb1713071db9dc7902f17738540dbb6118b301c56d080351589c2e6bbd6a1d45');
INSERT INTO "journal" VALUES(15,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.717536440Z","details":{"barcode":"TWV013L8"},"kind":"cartridge_added","previous":"eb1713071db9dc7902f17738540dbb6118b301c56d080351589c2e6bbd6a1d45","sequence":15,"subjects":{"cartridge":"01a1fe38-4fb5-732f-a6a0-df77fdf82584"}}','0d54e9ed4efa79fcc58b413d4b78bf837f11b394305025f0bec2d26f009bf617');
INSERT INTO "journal" VALUES(16,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.717536440Z","details":{"barcode":"TWV014L8"},"kind":"cartridge_added","previous":"0d54e9ed4efa79fcc58b413d4b78bf837f11b394305025f0bec2d26f009bf617","sequence":16,"subjects":{"cartridge":"01a1fe38-4fb5-7a2e-a56e-0dfa5a730023"}}','d7418380dc62cf54c96fbdbdb3e5a73a4a3c39538b8ff67c8cbaf14cd629da98');
INSERT INTO "journal" VALUES(17,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.717536440Z","details":{"barcode":"TWV015L8"},"kind":"cartridge_added","previous":"d7418380dc62cf54c96fbdbdb3e5a73a4a3c39538b8ff67c8cbaf14cd629da98","sequence":17,"subjects":{"cartridge":"01a1fe38-4fb5-725d-9022-cefa01472bcc"}}','2e42cc67f0731c30c892ed8d6d054e852a5cbf4e5acc394250afda52655067f4');
INSERT INTO "journal" VALUES(18,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.717536440Z","details":{"barcode":"TWV016L8"},"kind":"cartridge_added","previous":"2e42cc67f0731c30c892ed8d6d054e852a5cbf4e5acc394250afda52655067f4","sequence":18,"subjects":{"cartridge":"01a1fe38-4fb5-719b-b83b-8248211d17e2"}}','240a539237bcb1ce9ed73637428978e65c5f9befc4dd50a2ada4d2af6a4b3bad');
INSERT INTO "journal" VALUES(19,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.717536440Z","details":{"barcode":"TWV017L8"},"kind":"cartridge_added","previous":"240a539237bcb1ce9ed73637428978e65c5f9befc4dd50a2ada4d2af6a4b3bad","sequence":19,"subjects":{"cartridge":"01a1fe38-4fb5-7415-8805-d6b923e80af6"}}','1f00fb8e7377d95b6050be9c8e807c5a8b6b612300370894393d8af1434f4cdb');
INSERT INTO "journal" VALUES(20,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.717536440Z","details":{"barcode":"TWV018L8"},"kind":"cartridge_added","previous":"1f00fb8e7377d95b6050be9c8e807c5a8b6b612300370894393d8af1434f4cdb","sequence":20,"subjects":{"cartridge":"01a1fe38-4fb5-78fa-9b24-4f0dc9edfd2d"}}','5163590b23b6505f3d3ec1d8f008f648ebe8a142a5fcce415aefcb12c1f38a8b');
INSERT INTO "journal" VALUES(21,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.717536440Z","details":{"barcode":"TWV019L8"},"kind":"cartridge_added","previous":"5163590b23b6505f3d3ec1d8f008f648ebe8a142a5fcce415aefcb12c1f38a8b","sequence":21,"subjects":{"cartridge":"01a1fe38-4fb5-7309-a6be-5af2afe74f9a"}}','edf23abac65f726e9bacf5d2009b5a94e3f35e64d30d67be815115e96644633d');
INSERT INTO "journal" VALUES(22,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.717536440Z","details":{"barcode":"TWV020L8"},"kind":"cartridge_added","previous":"edf23abac65f726e9bacf5d2009b5a94e3f35e64d30d67be815115e96644633d","sequence":22,"subjects":{"cartridge":"01a1fe38-4fb5-7b88-ac48-66a660e3e2aa"}}','697a4af7e2ffc7d4484961687a4f76da5e66ffc9fc8a10bdb33c2ad1b0eea81a');
INSERT INTO "journal" VALUES(23,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.720525285Z","details":{"name":"virtual","product":"LIBRARY-24","serial":"V253199A","vendor":"TAPEWARD"},"kind":"library_added","previous":"697a4af7e2ffc7d4484961687a4f76da5e66ffc9fc8a10bdb33c2ad1b0eea81a","sequence":23,"subjects":{"library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd"}}','8fb667d76531a3a0effc487b949105179a14299fceb0e9014f346aab6f8b2599');
INSERT INTO "journal" VALUES(24,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.721311141Z","details":{"place":{"address":1025,"kind":"storage","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"8fb667d76531a3a0effc487b949105179a14299fceb0e9014f346aab6f8b2599","sequence":24,"subjects":{"cartridge":"01a1fe38-4fb5-786f-a43f-0a5ece03b780"}}','419d720acb9a7735140b588df8a4d91ff91f9feaafac5b134f772592d7a50a39');
INSERT INTO "journal" VALUES(25,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.721311141Z","details":{"place":{"address":1026,"kind":"storage","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"419d720acb9a7735140b588df8a4d91ff91f9feaafac5b134f772592d7a50a39","sequence":25,"subjects":{"cartridge":"01a1fe38-4fb5-768f-940a-be843e17caa9"}}','7a66a31ecdc14845bed0b07670f276fb9d2948f8336f977a58259552031d17d6');
INSERT INTO "journal" VALUES(26,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.721311141Z","details":{"place":{"address":1027,"kind":"storage","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"7a66a31ecdc14845bed0b07670f276fb9d2948f8336f977a58259552031d17d6","sequence":26,"subjects":{"cartridge":"01a1fe38-4fb5-7e38-81aa-edcc44573634"}}','cb7cfccad36b9b12b078150f881bbd991345f1e4690f421c2201ee4821bd20d1');
INSERT INTO "journal" VALUES(27,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.721311141Z","details":{"place":{"address":1028,"kind":"storage","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"cb7cfccad36b9b12b078150f881bbd991345f1e4690f421c2201ee4821bd20d1","sequence":27,"subjects":{"cartridge":"01a1fe38-4fb5-705f-9315-77d4472e185c"}}','b555de3cf182da18a2d7d53014d0c84b10c457e0242e8ee8f2b1f25595fba3fc');
INSERT INTO "journal" VALUES(28,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.721311141Z","details":{"place":{"address":1029,"kind":"storage","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"b555de3cf182da18a2d7d53014d0c84b10c457e0242e8ee8f2b1f25595fba3fc","sequence":28,"subjects":{"cartridge":"01a1fe38-4fb5-7411-b5ba-82216f0ae6e5"}}','e190cb9fb981314d171c757680bfbf3d3a92db48bedcce79b46b41e03892b507');
INSERT INTO "journal" VALUES(29,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.721311141Z","details":{"place":{"address":1030,"kind":"storage","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"e190cb9fb981314d171c757680bfbf3d3a92db48bedcce79b46b41e03892b507","sequence":29,"subjects":{"cartridge":"01a1fe38-4fb5-7875-a303-7cf0a3fb7ef7"}}','9319ff0f399ded8cdf94ffdf034f093e202ea0fcf2f8f676fe548c96178802f7');
INSERT INTO "journal" VALUES(30,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.721311141Z","details":{"place":{"address":1031,"kind":"storage","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"9319ff0f399ded8cdf94ffdf034f093e202ea0fcf2f8f676fe548c96178802f7","sequence":30,"subjects":{"cartridge":"01a1fe38-4fb5-7adb-a1f4-ece7755048ef"}}','d6ccf11e6ead0f08583253c3217b5cc8470dbe83b16f2fb875577f93823ee646');
INSERT INTO "journal" VALUES(31,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.721311141Z","details":{"place":{"address":1032,"kind":"storage","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"d6ccf11e6ead0f08583253c3217b5cc8470dbe83b16f2fb875577f93823ee646","sequence":31,"subjects":{"cartridge":"01a1fe38-4fb5-75fb-b4fa-5910a9a7631e"}}','c5b3fdc3409f627c4732ead70f9f791eb476ec9adc012bcc71246089e64f3eb1');
INSERT INTO "journal" VALUES(32,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.721311141Z","details":{"place":{"address":1033,"kind":"storage","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"c5b3fdc3409f627c4732ead70f9f791eb476ec9adc012bcc71246089e64f3eb1","sequence":32,"subjects":{"cartridge":"01a1fe38-4fb5-749f-957e-4f416593e46d"}}','3340065b3680a93994b71d3b2fb6936df8aafbdff865ad5dcc5797f20f9b9385');
INSERT INTO "journal" VALUES(33,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.721311141Z","details":{"place":{"address":1034,"kind":"storage","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"3340065b3680a93994b71d3b2fb6936df8aafbdff865ad5dcc5797f20f9b9385","sequence":33,"subjects":{"cartridge":"01a1fe38-4fb5-74a8-b080-7d8b1ce65756"}}','6b2b6399febf464fcd62266dd62f2778db9ebaa17b05849e293a109a4c169599');
INSERT INTO "journal" VALUES(34,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.721311141Z","details":{"place":{"address":1035,"kind":"storage","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"6b2b6399febf464fcd62266dd62f2778db9ebaa17b05849e293a109a4c169599","sequence":34,"subjects":{"cartridge":"01a1fe38-4fb5-7628-829a-056ee6d019f4"}}','75674300bd4ca471cfa7328246b3d52d34cc84d2ad23fcb7fd7da96a5633eeea');
INSERT INTO "journal" VALUES(35,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.721311141Z","details":{"place":{"address":1036,"kind":"storage","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"75674300bd4ca471cfa7328246b3d52d34cc84d2ad23fcb7fd7da96a5633eeea","sequence":35,"subjects":{"cartridge":"01a1fe38-4fb5-7441-b39e-98751384afd3"}}','d164746b7466e3cad1740a7d990b1645c6d1e0585680debd112f73e5e3de18ac');
INSERT INTO "journal" VALUES(36,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.721311141Z","details":{"place":{"address":1037,"kind":"storage","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"d164746b7466e3cad1740a7d990b1645c6d1e0585680debd112f73e5e3de18ac","sequence":36,"subjects":{"cartridge":"01a1fe38-4fb5-732f-a6a0-df77fdf82584"}}','7c8526957bb239f527e8994a44b62d60f69b428857b5b31811618c9399179ed3');
INSERT INTO "journal" VALUES(37,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.721311141Z","details":{"place":{"address":1038,"kind":"storage","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"7c8526957bb239f527e8994a44b62d60f69b428857b5b31811618c9399179ed3","sequence":37,"subjects":{"cartridge":"01a1fe38-4fb5-7a2e-a56e-0dfa5a730023"}}','309e4cbb07cacd0e98765e37d4bd31a39536e7b3eb7d7fb08b21dddfbdac6a94');
INSERT INTO "journal" VALUES(38,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.721311141Z","details":{"place":{"address":1039,"kind":"storage","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"309e4cbb07cacd0e98765e37d4bd31a39536e7b3eb7d7fb08b21dddfbdac6a94","sequence":38,"subjects":{"cartridge":"01a1fe38-4fb5-725d-9022-cefa01472bcc"}}','2cd968219f90e1985c4f01e8940a349e3967a87954bbc2264ad290afc58d9658');
INSERT INTO "journal" VALUES(39,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.721311141Z","details":{"place":{"address":1040,"kind":"storage","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"2cd968219f90e1985c4f01e8940a349e3967a87954bbc2264ad290afc58d9658","sequence":39,"subjects":{"cartridge":"01a1fe38-4fb5-719b-b83b-8248211d17e2"}}','71d166b485e57a2c2ade02033a607d582822ac794d5b65754ead0280593f369c');
INSERT INTO "journal" VALUES(40,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.721311141Z","details":{"place":{"address":1041,"kind":"storage","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"71d166b485e57a2c2ade02033a607d582822ac794d5b65754ead0280593f369c","sequence":40,"subjects":{"cartridge":"01a1fe38-4fb5-7415-8805-d6b923e80af6"}}','22ff25319f6e657d060d9bd588eef1d526664bf3551dff859a40ce3de4f0e79f');
INSERT INTO "journal" VALUES(41,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.721311141Z","details":{"place":{"address":1042,"kind":"storage","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"22ff25319f6e657d060d9bd588eef1d526664bf3551dff859a40ce3de4f0e79f","sequence":41,"subjects":{"cartridge":"01a1fe38-4fb5-78fa-9b24-4f0dc9edfd2d"}}','15c894ea310273c86f1be2a50152d698c3da38893ff8b8bb91d5759b64f88070');
INSERT INTO "journal" VALUES(42,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.721311141Z","details":{"place":{"address":1043,"kind":"storage","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"15c894ea310273c86f1be2a50152d698c3da38893ff8b8bb91d5759b64f88070","sequence":42,"subjects":{"cartridge":"01a1fe38-4fb5-7309-a6be-5af2afe74f9a"}}','d7f41bfa04eaad2d48a734f559866e3fa4007356ef108767627d30680699bd21');
INSERT INTO "journal" VALUES(43,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.721311141Z","details":{"place":{"address":1044,"kind":"storage","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"d7f41bfa04eaad2d48a734f559866e3fa4007356ef108767627d30680699bd21","sequence":43,"subjects":{"cartridge":"01a1fe38-4fb5-7b88-ac48-66a660e3e2aa"}}','356dac5051fa135fff2e9f90f91812091b32494597216e110488b9e4f42828e8');
INSERT INTO "journal" VALUES(44,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.732682826Z","details":{"name":"data","source":"/tmp/showworld/src"},"kind":"definition_saved","previous":"356dac5051fa135fff2e9f90f91812091b32494597216e110488b9e4f42828e8","sequence":44,"subjects":{"definition":"01a1fe38-4fc4-7c6b-81b0-931e38979594"}}','87bc0a50139e7d84e51b536a46cf126689064674ef7ab4a3fc799460c522f0fc');
INSERT INTO "journal" VALUES(45,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.758106095Z","details":{"month":"2026-11","run_kind":"backup"},"kind":"run_planned","previous":"87bc0a50139e7d84e51b536a46cf126689064674ef7ab4a3fc799460c522f0fc","sequence":45,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956"}}','e62e825155cdce15ceaaf4342a05bbb921fc6cc35486db6f6a9fc2b72e29fc12');
INSERT INTO "journal" VALUES(46,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.761957500Z","details":{"state":"running"},"kind":"run_changed","previous":"e62e825155cdce15ceaaf4342a05bbb921fc6cc35486db6f6a9fc2b72e29fc12","sequence":46,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956"}}','e95ebfe3851447d1fe9bcd0cbb90d7192ccf75c94e1f087a7a1379b707653d07');
INSERT INTO "journal" VALUES(47,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.762736183Z","details":{"month":"2026-11"},"kind":"set_started","previous":"e95ebfe3851447d1fe9bcd0cbb90d7192ccf75c94e1f087a7a1379b707653d07","sequence":47,"subjects":{"definition":"01a1fe38-4fc4-7c6b-81b0-931e38979594","run":"01a1fe38-4fde-71e0-a617-1d230c212956","set":"01a1fe38-4fdb-7e3c-a042-d78b4888c3ee"}}','bc57e1a3b86fcd445ca75baeb31131b67934144e2fbc5ec74c281cec665d613e');
INSERT INTO "journal" VALUES(48,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.768939936Z","details":{"intent":{"barcode":"TWV001L8","from":1025,"to":258},"step_kind":"move"},"kind":"step_intended","previous":"bc57e1a3b86fcd445ca75baeb31131b67934144e2fbc5ec74c281cec665d613e","sequence":48,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","step":"01a1fe38-4fe8-729e-9f49-dcc3efc42c5b"}}','b8fdc88f8e09ca779a246bfcc39b1e18fa05160bb6bdbeaef30496e66fa4399d');
INSERT INTO "journal" VALUES(49,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.773178624Z","details":{"done":true,"observation":{"seen_there":true}},"kind":"step_observed","previous":"b8fdc88f8e09ca779a246bfcc39b1e18fa05160bb6bdbeaef30496e66fa4399d","sequence":49,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","step":"01a1fe38-4fe8-729e-9f49-dcc3efc42c5b"}}','28d7ef915f785c3705227cb2f542bc13e5cca8db9d1e17b8c4cb0206e1a0dca3');
INSERT INTO "journal" VALUES(50,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.773178624Z","details":{"place":{"address":258,"kind":"drive","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"28d7ef915f785c3705227cb2f542bc13e5cca8db9d1e17b8c4cb0206e1a0dca3","sequence":50,"subjects":{"cartridge":"01a1fe38-4fb5-786f-a43f-0a5ece03b780","run":"01a1fe38-4fde-71e0-a617-1d230c212956"}}','81c4d8e8bb37de73346e67b37d5f8fb91af473b7b9e331dc99df76537679526d');
INSERT INTO "journal" VALUES(51,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.781938256Z","details":{"intent":{"barcode":"TWV001L8","block_size":262144,"pool":"onsite","serial":"TWV001","volume":"01a1fe38-4fef-768a-8338-1f21b52443ef"},"step_kind":"label"},"kind":"step_intended","previous":"81c4d8e8bb37de73346e67b37d5f8fb91af473b7b9e331dc99df76537679526d","sequence":51,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","step":"01a1fe38-4ff5-7e31-821d-282bfaff3889"}}','26bd1bba29cda1c30dd115250130b8bc386adb5fcf394abcec4662e1af5c3d00');
INSERT INTO "journal" VALUES(52,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.784626000Z","details":{"done":true,"observation":{"volume":"01a1fe38-4fef-768a-8338-1f21b52443ef"}},"kind":"step_observed","previous":"26bd1bba29cda1c30dd115250130b8bc386adb5fcf394abcec4662e1af5c3d00","sequence":52,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","step":"01a1fe38-4ff5-7e31-821d-282bfaff3889"}}','eca48dca3b4bc449fa2f78f09b16a7645a64189311b0abe5a24ceb0764175ec6');
INSERT INTO "journal" VALUES(53,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.784626000Z","details":{"pool":"onsite","serial":"TWV001"},"kind":"volume_labelled","previous":"eca48dca3b4bc449fa2f78f09b16a7645a64189311b0abe5a24ceb0764175ec6","sequence":53,"subjects":{"cartridge":"01a1fe38-4fb5-786f-a43f-0a5ece03b780","run":"01a1fe38-4fde-71e0-a617-1d230c212956","volume":"01a1fe38-4fef-768a-8338-1f21b52443ef"}}','6ede32336203e64fc5da191126dc1d3175662ce6e37939ba4ba4e89d15482b46');
INSERT INTO "journal" VALUES(54,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.785539745Z","details":{"intent":{"barcode":"TWV001L8","copy":1,"set":"01a1fe38-4fdb-7e3c-a042-d78b4888c3ee","volume":"01a1fe38-4fef-768a-8338-1f21b52443ef"},"step_kind":"write"},"kind":"step_intended","previous":"6ede32336203e64fc5da191126dc1d3175662ce6e37939ba4ba4e89d15482b46","sequence":54,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","step":"01a1fe38-4ff9-79ff-af44-ea1f489cd857"}}','d0d73dace4ad90271ae59bc471427a28c0a3fd84bceb7f683c21ba84db582872');
INSERT INTO "journal" VALUES(55,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.788949796Z","details":{"intent":{"barcode":"TWV002L8","from":1026,"to":257},"step_kind":"move"},"kind":"step_intended","previous":"d0d73dace4ad90271ae59bc471427a28c0a3fd84bceb7f683c21ba84db582872","sequence":55,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","step":"01a1fe38-4ffc-7c44-8467-eb5f03eed27f"}}','98b4f831d1f2520964ea240b6db3abc1f2581bf72f8432ed3fbda11eee0db56f');
INSERT INTO "journal" VALUES(56,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.793131808Z","details":{"done":true,"observation":{"seen_there":true}},"kind":"step_observed","previous":"98b4f831d1f2520964ea240b6db3abc1f2581bf72f8432ed3fbda11eee0db56f","sequence":56,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","step":"01a1fe38-4ffc-7c44-8467-eb5f03eed27f"}}','0224e84e23f22de487cff59f48f5097b5c7de59eb90f5db758e75253575725d5');
INSERT INTO "journal" VALUES(57,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.793131808Z","details":{"place":{"address":257,"kind":"drive","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"0224e84e23f22de487cff59f48f5097b5c7de59eb90f5db758e75253575725d5","sequence":57,"subjects":{"cartridge":"01a1fe38-4fb5-768f-940a-be843e17caa9","run":"01a1fe38-4fde-71e0-a617-1d230c212956"}}','2d5f9162b87c056433feb0464abdfd756df2a72416c95d33a77628230d9082a8');
INSERT INTO "journal" VALUES(58,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.801121306Z","details":{"intent":{"barcode":"TWV002L8","block_size":262144,"pool":"offsite","serial":"TWV002","volume":"01a1fe38-5002-70c2-9e92-df0688af2470"},"step_kind":"label"},"kind":"step_intended","previous":"2d5f9162b87c056433feb0464abdfd756df2a72416c95d33a77628230d9082a8","sequence":58,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","step":"01a1fe38-5009-7158-852e-f55409e1c5a5"}}','514d1c33e47a68ae94866dc565b1c4105220f4aa4320393a6e4b55d3746b00da');
INSERT INTO "journal" VALUES(59,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.803175748Z","details":{"done":true,"observation":{"volume":"01a1fe38-5002-70c2-9e92-df0688af2470"}},"kind":"step_observed","previous":"514d1c33e47a68ae94866dc565b1c4105220f4aa4320393a6e4b55d3746b00da","sequence":59,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","step":"01a1fe38-5009-7158-852e-f55409e1c5a5"}}','16a505874fcf524b68831c4c5a3b76427c532bbdd1eb7e96db4d8e0edaa3dbb8');
INSERT INTO "journal" VALUES(60,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.803175748Z","details":{"pool":"offsite","serial":"TWV002"},"kind":"volume_labelled","previous":"16a505874fcf524b68831c4c5a3b76427c532bbdd1eb7e96db4d8e0edaa3dbb8","sequence":60,"subjects":{"cartridge":"01a1fe38-4fb5-768f-940a-be843e17caa9","run":"01a1fe38-4fde-71e0-a617-1d230c212956","volume":"01a1fe38-5002-70c2-9e92-df0688af2470"}}','98f8c2460296d7f3c137f84e7b69af630b227d5160d8b0a7bc1f80132698bbe2');
INSERT INTO "journal" VALUES(61,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.803790445Z","details":{"intent":{"barcode":"TWV002L8","copy":2,"set":"01a1fe38-4fdb-7e3c-a042-d78b4888c3ee","volume":"01a1fe38-5002-70c2-9e92-df0688af2470"},"step_kind":"write"},"kind":"step_intended","previous":"98f8c2460296d7f3c137f84e7b69af630b227d5160d8b0a7bc1f80132698bbe2","sequence":61,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","step":"01a1fe38-500b-7177-94ef-3dbb130fe7ed"}}','93f6c376f64e6bfb913b3d492c925e174943aa612756797c319e6954dae63fdc');
INSERT INTO "journal" VALUES(62,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.809623507Z","details":{"content":"filling","reason":"written to"},"kind":"volume_content","previous":"93f6c376f64e6bfb913b3d492c925e174943aa612756797c319e6954dae63fdc","sequence":62,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","volume":"01a1fe38-4fef-768a-8338-1f21b52443ef"}}','0cddd0f1448517bf0e4e42fedb35cb8727da58d58898388a80599102d52dfc5f');
INSERT INTO "journal" VALUES(63,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.809623507Z","details":{"bytes":317751,"codec":"age","copy":1,"digest":"734af03cbee2a180ce3497b02e4cff93","segment":0,"tape_file":4},"kind":"segment_committed","previous":"0cddd0f1448517bf0e4e42fedb35cb8727da58d58898388a80599102d52dfc5f","sequence":63,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","set":"01a1fe38-4fdb-7e3c-a042-d78b4888c3ee","volume":"01a1fe38-4fef-768a-8338-1f21b52443ef"}}','c2f130cb2c3d5eace2a68bdf1bb2267f0a8af42f0763f6845721785304d78226');
INSERT INTO "journal" VALUES(64,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.811039589Z","details":{"content":"filling","reason":"written to"},"kind":"volume_content","previous":"c2f130cb2c3d5eace2a68bdf1bb2267f0a8af42f0763f6845721785304d78226","sequence":64,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","volume":"01a1fe38-5002-70c2-9e92-df0688af2470"}}','1af2224937180ada5152546b1ff533ba1b2d78fb5366c9e130eaf97802905415');
INSERT INTO "journal" VALUES(65,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.811039589Z","details":{"bytes":317751,"codec":"age","copy":2,"digest":"734af03cbee2a180ce3497b02e4cff93","segment":0,"tape_file":4},"kind":"segment_committed","previous":"1af2224937180ada5152546b1ff533ba1b2d78fb5366c9e130eaf97802905415","sequence":65,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","set":"01a1fe38-4fdb-7e3c-a042-d78b4888c3ee","volume":"01a1fe38-5002-70c2-9e92-df0688af2470"}}','8d57c1f98e6375c73949f74d89344fbdb6841f1117b4e821a668383ea5fdeb26');
INSERT INTO "journal" VALUES(66,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.816239710Z","details":{"segments":1,"totals":{"bytes":300003,"members":4,"problems":0}},"kind":"set_completed","previous":"8d57c1f98e6375c73949f74d89344fbdb6841f1117b4e821a668383ea5fdeb26","sequence":66,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","set":"01a1fe38-4fdb-7e3c-a042-d78b4888c3ee"}}','ebc3517a6850a8536d714c80741e06515e77008f3afd4dd8ee93af1c4c631a90');
INSERT INTO "journal" VALUES(67,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.821159859Z","details":{"done":true,"observation":{"closed":true}},"kind":"step_observed","previous":"ebc3517a6850a8536d714c80741e06515e77008f3afd4dd8ee93af1c4c631a90","sequence":67,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","step":"01a1fe38-4ff9-79ff-af44-ea1f489cd857"}}','365acf8a882175601630a2cebe57a546b8e10aef4b21ed747fe06533d1a8d335');
INSERT INTO "journal" VALUES(68,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.821844647Z","details":{"done":true,"observation":{"closed":true}},"kind":"step_observed","previous":"365acf8a882175601630a2cebe57a546b8e10aef4b21ed747fe06533d1a8d335","sequence":68,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","step":"01a1fe38-500b-7177-94ef-3dbb130fe7ed"}}','04c1347ae4938468b219009fa4d9799d541df0e518dfc9c8653bcc43fdbe08ca');
INSERT INTO "journal" VALUES(69,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.822869809Z","details":{"intent":{"copy":1,"set":"01a1fe38-4fdb-7e3c-a042-d78b4888c3ee"},"step_kind":"verify"},"kind":"step_intended","previous":"04c1347ae4938468b219009fa4d9799d541df0e518dfc9c8653bcc43fdbe08ca","sequence":69,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","step":"01a1fe38-501e-7873-b44e-8eacec83a192"}}','4ec37427bcb1e41f8929247622e0a00ea28e695dc926e9f1e253d791bdaecfc0');
INSERT INTO "journal" VALUES(70,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.825705810Z","details":{"copy":1,"segment":0},"kind":"segment_verified","previous":"4ec37427bcb1e41f8929247622e0a00ea28e695dc926e9f1e253d791bdaecfc0","sequence":70,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","set":"01a1fe38-4fdb-7e3c-a042-d78b4888c3ee","volume":"01a1fe38-4fef-768a-8338-1f21b52443ef"}}','8e860a0168b1c0e9a8f2f8b4abeab1ad8067d68771985e3c3a437f7004ecdea5');
INSERT INTO "journal" VALUES(71,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.826177139Z","details":{"done":true,"observation":{"absent":[],"damaged":[],"segments":1}},"kind":"step_observed","previous":"8e860a0168b1c0e9a8f2f8b4abeab1ad8067d68771985e3c3a437f7004ecdea5","sequence":71,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","step":"01a1fe38-501e-7873-b44e-8eacec83a192"}}','1ca40073280a24d75e9e8e75ee57a8902b0376c6ee657e4b54c3c0d03067180b');
INSERT INTO "journal" VALUES(72,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.826177139Z","details":{"copy":1,"state":"verified"},"kind":"set_copy_changed","previous":"1ca40073280a24d75e9e8e75ee57a8902b0376c6ee657e4b54c3c0d03067180b","sequence":72,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","set":"01a1fe38-4fdb-7e3c-a042-d78b4888c3ee"}}','ea3811df90d2e2c533432260005d88daaa0057473cf9275d4087e73c6625b2cb');
INSERT INTO "journal" VALUES(73,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.826882946Z","details":{"intent":{"copy":2,"set":"01a1fe38-4fdb-7e3c-a042-d78b4888c3ee"},"step_kind":"verify"},"kind":"step_intended","previous":"ea3811df90d2e2c533432260005d88daaa0057473cf9275d4087e73c6625b2cb","sequence":73,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","step":"01a1fe38-5022-74f9-8871-3d8849f9bea5"}}','7e2ecbc5599590cbb2f18d37dbd627fc80100cd90f1f39a6a8293c754717c86e');
INSERT INTO "journal" VALUES(74,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.829514836Z","details":{"copy":2,"segment":0},"kind":"segment_verified","previous":"7e2ecbc5599590cbb2f18d37dbd627fc80100cd90f1f39a6a8293c754717c86e","sequence":74,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","set":"01a1fe38-4fdb-7e3c-a042-d78b4888c3ee","volume":"01a1fe38-5002-70c2-9e92-df0688af2470"}}','6e4de6d4110cadc4a5c758d8e1451e05e12bb96db37662d0e4213011cd9feb6d');
INSERT INTO "journal" VALUES(75,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.829944127Z","details":{"done":true,"observation":{"absent":[],"damaged":[],"segments":1}},"kind":"step_observed","previous":"6e4de6d4110cadc4a5c758d8e1451e05e12bb96db37662d0e4213011cd9feb6d","sequence":75,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","step":"01a1fe38-5022-74f9-8871-3d8849f9bea5"}}','df67eb23ec1f99029762e0728681f2e5fac1eb32948f935e91e079e97edf20c8');
INSERT INTO "journal" VALUES(76,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.829944127Z","details":{"copy":2,"state":"verified"},"kind":"set_copy_changed","previous":"df67eb23ec1f99029762e0728681f2e5fac1eb32948f935e91e079e97edf20c8","sequence":76,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","set":"01a1fe38-4fdb-7e3c-a042-d78b4888c3ee"}}','30f24f3ccab8f5d3515c545d176fd417ed2ec4127a32607d1d2f46b9a6db987d');
INSERT INTO "journal" VALUES(77,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.832227019Z","details":{"intent":{"barcode":"TWV001L8","from":258,"to":1025},"step_kind":"move"},"kind":"step_intended","previous":"30f24f3ccab8f5d3515c545d176fd417ed2ec4127a32607d1d2f46b9a6db987d","sequence":77,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","step":"01a1fe38-5028-7261-a55b-69c9a2fb7fc5"}}','f14df28270099f98e34bd907cccd1d2dce7b76da26b78891d2f12fe38c2fbdd9');
INSERT INTO "journal" VALUES(78,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.834992378Z","details":{"done":true,"observation":{"seen_there":true}},"kind":"step_observed","previous":"f14df28270099f98e34bd907cccd1d2dce7b76da26b78891d2f12fe38c2fbdd9","sequence":78,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","step":"01a1fe38-5028-7261-a55b-69c9a2fb7fc5"}}','8a465d55bbf8813ff1536360ddfb2190c754584410c9a0ba0393f4bab1feee87');
INSERT INTO "journal" VALUES(79,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.834992378Z","details":{"place":{"address":1025,"kind":"storage","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"8a465d55bbf8813ff1536360ddfb2190c754584410c9a0ba0393f4bab1feee87","sequence":79,"subjects":{"cartridge":"01a1fe38-4fb5-786f-a43f-0a5ece03b780","run":"01a1fe38-4fde-71e0-a617-1d230c212956"}}','d5abda282d5ae1c8891e704827a42e2aebe54b0e75de3d631cb5e51b21653a8c');
INSERT INTO "journal" VALUES(80,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.837748920Z","details":{"intent":{"barcode":"TWV002L8","from":257,"to":1026},"step_kind":"move"},"kind":"step_intended","previous":"d5abda282d5ae1c8891e704827a42e2aebe54b0e75de3d631cb5e51b21653a8c","sequence":80,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","step":"01a1fe38-502d-7d39-8d60-e2c63b947bf7"}}','a1743f048a8039555a1eb39e0083fae4631c04fb36ea01ba69a787f2faab5d6b');
INSERT INTO "journal" VALUES(81,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.840414383Z","details":{"done":true,"observation":{"seen_there":true}},"kind":"step_observed","previous":"a1743f048a8039555a1eb39e0083fae4631c04fb36ea01ba69a787f2faab5d6b","sequence":81,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","step":"01a1fe38-502d-7d39-8d60-e2c63b947bf7"}}','d3f9f3bb973571358c440bebdf033ef059ce1e9bb5aa0b69ae392bdc2f86bb65');
INSERT INTO "journal" VALUES(82,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.840414383Z","details":{"place":{"address":1026,"kind":"storage","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"d3f9f3bb973571358c440bebdf033ef059ce1e9bb5aa0b69ae392bdc2f86bb65","sequence":82,"subjects":{"cartridge":"01a1fe38-4fb5-768f-940a-be843e17caa9","run":"01a1fe38-4fde-71e0-a617-1d230c212956"}}','527c53e83a80ac0078fa7c794a03fad8598ced97acb3e2368f92eafa7579a7b2');
INSERT INTO "journal" VALUES(83,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.842407271Z","details":{"intent":{"barcode":"TWV001L8","from":1025,"to":769},"step_kind":"move"},"kind":"step_intended","previous":"527c53e83a80ac0078fa7c794a03fad8598ced97acb3e2368f92eafa7579a7b2","sequence":83,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","step":"01a1fe38-5032-74f8-bec6-e3d8d77b0d71"}}','8b9fa4f47f2e8e38e71f49f4866b96f80837f0e8774313292025e0ef07926354');
INSERT INTO "journal" VALUES(84,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.845098061Z","details":{"done":true,"observation":{"seen_there":true}},"kind":"step_observed","previous":"8b9fa4f47f2e8e38e71f49f4866b96f80837f0e8774313292025e0ef07926354","sequence":84,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","step":"01a1fe38-5032-74f8-bec6-e3d8d77b0d71"}}','0dd3bba82574528e19b59997c7a3187a03bd8ae60506d675a84ee91c65b6e052');
INSERT INTO "journal" VALUES(85,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.845098061Z","details":{"place":{"address":769,"kind":"import_export","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"0dd3bba82574528e19b59997c7a3187a03bd8ae60506d675a84ee91c65b6e052","sequence":85,"subjects":{"cartridge":"01a1fe38-4fb5-786f-a43f-0a5ece03b780","run":"01a1fe38-4fde-71e0-a617-1d230c212956"}}','9804d4c1e22af6b5aa6541bdd48c668646c3c31aebd0eae347df5ccd4115b33b');
INSERT INTO "journal" VALUES(86,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.846665725Z","details":{"intent":{"barcode":"TWV002L8","from":1026,"to":770},"step_kind":"move"},"kind":"step_intended","previous":"9804d4c1e22af6b5aa6541bdd48c668646c3c31aebd0eae347df5ccd4115b33b","sequence":86,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","step":"01a1fe38-5036-7198-80ef-1e7b3ef231ea"}}','c6cb031cf64fcd95ee318e381b8fab747deca11255a100166a17641e06552139');
INSERT INTO "journal" VALUES(87,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.849419663Z","details":{"done":true,"observation":{"seen_there":true}},"kind":"step_observed","previous":"c6cb031cf64fcd95ee318e381b8fab747deca11255a100166a17641e06552139","sequence":87,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956","step":"01a1fe38-5036-7198-80ef-1e7b3ef231ea"}}','e2465197bef9c697e9ee930289554b0eda55ad0f1ea09b34b72b8a6b94695a52');
INSERT INTO "journal" VALUES(88,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.849419663Z","details":{"place":{"address":770,"kind":"import_export","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"e2465197bef9c697e9ee930289554b0eda55ad0f1ea09b34b72b8a6b94695a52","sequence":88,"subjects":{"cartridge":"01a1fe38-4fb5-768f-940a-be843e17caa9","run":"01a1fe38-4fde-71e0-a617-1d230c212956"}}','746553d64f3560af763abcaf4043be2bfedf4c1189638d4e64182f99a4549490');
INSERT INTO "journal" VALUES(89,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.850299294Z","details":{"state":"done"},"kind":"run_changed","previous":"746553d64f3560af763abcaf4043be2bfedf4c1189638d4e64182f99a4549490","sequence":89,"subjects":{"run":"01a1fe38-4fde-71e0-a617-1d230c212956"}}','523beb94b16b2bd0de60c7f38ed1f11dfa35b37d09e08ab07754bca7f6c17585');
INSERT INTO "journal" VALUES(90,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.953446423Z","details":{"state":"running"},"kind":"run_changed","previous":"523beb94b16b2bd0de60c7f38ed1f11dfa35b37d09e08ab07754bca7f6c17585","sequence":90,"subjects":{"run":"01a1fe38-50a0-7387-980b-6b61b8bceb5f"}}','992c6cee592bfddfae699ab0cb0bfba7c0ffc3f5ee3c93e4f9609476165df5c5');
INSERT INTO "journal" VALUES(91,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.954490691Z","details":{"intent":{"copy":1,"set":"01a1fe38-4fdb-7e3c-a042-d78b4888c3ee"},"step_kind":"verify"},"kind":"step_intended","previous":"992c6cee592bfddfae699ab0cb0bfba7c0ffc3f5ee3c93e4f9609476165df5c5","sequence":91,"subjects":{"run":"01a1fe38-50a0-7387-980b-6b61b8bceb5f","step":"01a1fe38-50a2-7b90-9a8e-8287aebcae10"}}','c82a14c506ed0fba20b12ceaf94f8c01059f14d11f4522db241ed15e470611c7');
INSERT INTO "journal" VALUES(92,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.957339535Z","details":{"intent":{"barcode":"TWV001L8","from":769,"to":257},"step_kind":"move"},"kind":"step_intended","previous":"c82a14c506ed0fba20b12ceaf94f8c01059f14d11f4522db241ed15e470611c7","sequence":92,"subjects":{"run":"01a1fe38-50a0-7387-980b-6b61b8bceb5f","step":"01a1fe38-50a5-7477-80c6-655451c35336"}}','266aa08a2f4b91dba64d5e10f4a695a35f92e62c1a6fb17e17ddba8e1f703f6c');
INSERT INTO "journal" VALUES(93,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.961343114Z","details":{"done":true,"observation":{"seen_there":true}},"kind":"step_observed","previous":"266aa08a2f4b91dba64d5e10f4a695a35f92e62c1a6fb17e17ddba8e1f703f6c","sequence":93,"subjects":{"run":"01a1fe38-50a0-7387-980b-6b61b8bceb5f","step":"01a1fe38-50a5-7477-80c6-655451c35336"}}','09f109e5937dac24deb42bae5ee6a7a3cb6c38d9154be207704992e2753e8a62');
INSERT INTO "journal" VALUES(94,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.961343114Z","details":{"place":{"address":257,"kind":"drive","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"09f109e5937dac24deb42bae5ee6a7a3cb6c38d9154be207704992e2753e8a62","sequence":94,"subjects":{"cartridge":"01a1fe38-4fb5-786f-a43f-0a5ece03b780","run":"01a1fe38-50a0-7387-980b-6b61b8bceb5f"}}','22ca6a1971a4a7a0c1215c1bbd72734ff90424fe7244dcda7bbc24d0806b6e58');
INSERT INTO "journal" VALUES(95,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.969194612Z","details":{"copy":1,"segment":0},"kind":"segment_verified","previous":"22ca6a1971a4a7a0c1215c1bbd72734ff90424fe7244dcda7bbc24d0806b6e58","sequence":95,"subjects":{"run":"01a1fe38-50a0-7387-980b-6b61b8bceb5f","set":"01a1fe38-4fdb-7e3c-a042-d78b4888c3ee","volume":"01a1fe38-4fef-768a-8338-1f21b52443ef"}}','b99f7b9e511125311a2db3dc46c15393f83000cfc069a816a75773684503f451');
INSERT INTO "journal" VALUES(96,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.970074694Z","details":{"done":true,"observation":{"absent":[],"damaged":[],"segments":1}},"kind":"step_observed","previous":"b99f7b9e511125311a2db3dc46c15393f83000cfc069a816a75773684503f451","sequence":96,"subjects":{"run":"01a1fe38-50a0-7387-980b-6b61b8bceb5f","step":"01a1fe38-50a2-7b90-9a8e-8287aebcae10"}}','131b38ad15af96dc7afa7f5ac78b7ba8bda51df611d9747111c4af9f6a866354');
INSERT INTO "journal" VALUES(97,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.970074694Z","details":{"copy":1,"state":"verified"},"kind":"set_copy_changed","previous":"131b38ad15af96dc7afa7f5ac78b7ba8bda51df611d9747111c4af9f6a866354","sequence":97,"subjects":{"run":"01a1fe38-50a0-7387-980b-6b61b8bceb5f","set":"01a1fe38-4fdb-7e3c-a042-d78b4888c3ee"}}','6313ee8e05c6b418c4f027e3fb40f47278b127ed98325ebb4ddec389041c5728');
INSERT INTO "journal" VALUES(98,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.971025167Z","details":{"intent":{"copy":2,"set":"01a1fe38-4fdb-7e3c-a042-d78b4888c3ee"},"step_kind":"verify"},"kind":"step_intended","previous":"6313ee8e05c6b418c4f027e3fb40f47278b127ed98325ebb4ddec389041c5728","sequence":98,"subjects":{"run":"01a1fe38-50a0-7387-980b-6b61b8bceb5f","step":"01a1fe38-50b3-7a40-b796-23f195408e48"}}','895f616ac422892f5f2a4e7b3c75754840e3874624980e5db5a282d995a531c7');
INSERT INTO "journal" VALUES(99,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.973796597Z","details":{"intent":{"barcode":"TWV001L8","from":257,"to":769},"step_kind":"move"},"kind":"step_intended","previous":"895f616ac422892f5f2a4e7b3c75754840e3874624980e5db5a282d995a531c7","sequence":99,"subjects":{"run":"01a1fe38-50a0-7387-980b-6b61b8bceb5f","step":"01a1fe38-50b5-7a86-bdcf-c0b8d12bf9c1"}}','c68fe3f34cc34355f0355bf9b90dcb72e6b14c3b7e2d6dc318419389dad8fbb9');
INSERT INTO "journal" VALUES(100,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.977019991Z","details":{"done":true,"observation":{"seen_there":true}},"kind":"step_observed","previous":"c68fe3f34cc34355f0355bf9b90dcb72e6b14c3b7e2d6dc318419389dad8fbb9","sequence":100,"subjects":{"run":"01a1fe38-50a0-7387-980b-6b61b8bceb5f","step":"01a1fe38-50b5-7a86-bdcf-c0b8d12bf9c1"}}','047d9c46fb870a4db363012870c592a7a9b45b0b70ff74c34922eaa834e9fda9');
INSERT INTO "journal" VALUES(101,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.977019991Z","details":{"place":{"address":769,"kind":"import_export","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"047d9c46fb870a4db363012870c592a7a9b45b0b70ff74c34922eaa834e9fda9","sequence":101,"subjects":{"cartridge":"01a1fe38-4fb5-786f-a43f-0a5ece03b780","run":"01a1fe38-50a0-7387-980b-6b61b8bceb5f"}}','08418326f86a119b6f322f48c0e43859dc74d1a866283e399fca80d085405656');
INSERT INTO "journal" VALUES(102,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.978973295Z","details":{"intent":{"barcode":"TWV002L8","from":770,"to":257},"step_kind":"move"},"kind":"step_intended","previous":"08418326f86a119b6f322f48c0e43859dc74d1a866283e399fca80d085405656","sequence":102,"subjects":{"run":"01a1fe38-50a0-7387-980b-6b61b8bceb5f","step":"01a1fe38-50ba-7c82-b506-e62e1d5124c1"}}','3891bbf1629fb40c4edc79d92e8c2de29539709c2d004385fdd57997b6189534');
INSERT INTO "journal" VALUES(103,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.982775539Z","details":{"done":true,"observation":{"seen_there":true}},"kind":"step_observed","previous":"3891bbf1629fb40c4edc79d92e8c2de29539709c2d004385fdd57997b6189534","sequence":103,"subjects":{"run":"01a1fe38-50a0-7387-980b-6b61b8bceb5f","step":"01a1fe38-50ba-7c82-b506-e62e1d5124c1"}}','75685226a5dabb35bed1f194b7c04940e6cfafb475708db1d6818c26fd88758b');
INSERT INTO "journal" VALUES(104,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.982775539Z","details":{"place":{"address":257,"kind":"drive","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"75685226a5dabb35bed1f194b7c04940e6cfafb475708db1d6818c26fd88758b","sequence":104,"subjects":{"cartridge":"01a1fe38-4fb5-768f-940a-be843e17caa9","run":"01a1fe38-50a0-7387-980b-6b61b8bceb5f"}}','9dc0bfbd783cb6f1735e4dde8eed6ef094e527244c77ca52df2bee3f5a77d236');
INSERT INTO "journal" VALUES(105,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.989195736Z","details":{"copy":2,"segment":0},"kind":"segment_verified","previous":"9dc0bfbd783cb6f1735e4dde8eed6ef094e527244c77ca52df2bee3f5a77d236","sequence":105,"subjects":{"run":"01a1fe38-50a0-7387-980b-6b61b8bceb5f","set":"01a1fe38-4fdb-7e3c-a042-d78b4888c3ee","volume":"01a1fe38-5002-70c2-9e92-df0688af2470"}}','d57c7835c6e11ca531486c93260e3ceb9ff6efa9d6461091a1c758644f682019');
INSERT INTO "journal" VALUES(106,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.989736314Z","details":{"done":true,"observation":{"absent":[],"damaged":[],"segments":1}},"kind":"step_observed","previous":"d57c7835c6e11ca531486c93260e3ceb9ff6efa9d6461091a1c758644f682019","sequence":106,"subjects":{"run":"01a1fe38-50a0-7387-980b-6b61b8bceb5f","step":"01a1fe38-50b3-7a40-b796-23f195408e48"}}','2347d2c4fb2288924592f4c12aab0a465e35bde6ff5a99cf7424638e20b8f7b5');
INSERT INTO "journal" VALUES(107,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.989736314Z","details":{"copy":2,"state":"verified"},"kind":"set_copy_changed","previous":"2347d2c4fb2288924592f4c12aab0a465e35bde6ff5a99cf7424638e20b8f7b5","sequence":107,"subjects":{"run":"01a1fe38-50a0-7387-980b-6b61b8bceb5f","set":"01a1fe38-4fdb-7e3c-a042-d78b4888c3ee"}}','43531f9e2accc07f0314188e8a5e2aef2e046f51a360b1d3fd40983afa8ef1e1');
INSERT INTO "journal" VALUES(108,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.992027168Z","details":{"intent":{"barcode":"TWV002L8","from":257,"to":770},"step_kind":"move"},"kind":"step_intended","previous":"43531f9e2accc07f0314188e8a5e2aef2e046f51a360b1d3fd40983afa8ef1e1","sequence":108,"subjects":{"run":"01a1fe38-50a0-7387-980b-6b61b8bceb5f","step":"01a1fe38-50c8-705c-9956-7836726fe1ec"}}','44a528c3e9cdcd9d8b51dfe29420e3ae9579034ba909b2ae4a13a760571b8a1f');
INSERT INTO "journal" VALUES(109,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.994659308Z","details":{"done":true,"observation":{"seen_there":true}},"kind":"step_observed","previous":"44a528c3e9cdcd9d8b51dfe29420e3ae9579034ba909b2ae4a13a760571b8a1f","sequence":109,"subjects":{"run":"01a1fe38-50a0-7387-980b-6b61b8bceb5f","step":"01a1fe38-50c8-705c-9956-7836726fe1ec"}}','7bf5e1523c78e3334cc4cf87b91cf68883ad07a6cebac3b642740683eede8561');
INSERT INTO "journal" VALUES(110,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.994659308Z","details":{"place":{"address":770,"kind":"import_export","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"7bf5e1523c78e3334cc4cf87b91cf68883ad07a6cebac3b642740683eede8561","sequence":110,"subjects":{"cartridge":"01a1fe38-4fb5-768f-940a-be843e17caa9","run":"01a1fe38-50a0-7387-980b-6b61b8bceb5f"}}','75c1eed29d9ea03c1990649039a61357295ed60c09354725499099362c36412f');
INSERT INTO "journal" VALUES(111,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:45.995555280Z","details":{"state":"done"},"kind":"run_changed","previous":"75c1eed29d9ea03c1990649039a61357295ed60c09354725499099362c36412f","sequence":111,"subjects":{"run":"01a1fe38-50a0-7387-980b-6b61b8bceb5f"}}','c90a62b527f0547078db3fecaa3f0fd57dcdaad7ad06a0a1d3e188fd02d2f995');
INSERT INTO "journal" VALUES(112,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:46.013331202Z","details":{"place":{"place":"outside"},"witness":"robot"},"kind":"cartridge_placed","previous":"c90a62b527f0547078db3fecaa3f0fd57dcdaad7ad06a0a1d3e188fd02d2f995","sequence":112,"subjects":{"cartridge":"01a1fe38-4fb5-786f-a43f-0a5ece03b780"}}','7d33db3b2b731f5c96cff143edc92c2ceb05d23cf076bee7d59d93b1357641b5');
INSERT INTO "journal" VALUES(113,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:46.036019348Z","details":{"place":{"address":257,"kind":"drive","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"7d33db3b2b731f5c96cff143edc92c2ceb05d23cf076bee7d59d93b1357641b5","sequence":113,"subjects":{"cartridge":"01a1fe38-4fb5-7e38-81aa-edcc44573634"}}','c57b43b7ffd98a20df558d3fd5f689b48e4c36b88175545adfa611363689ff2f');
INSERT INTO "journal" VALUES(114,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:46.054866710Z","details":{"place":{"address":769,"kind":"import_export","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"c57b43b7ffd98a20df558d3fd5f689b48e4c36b88175545adfa611363689ff2f","sequence":114,"subjects":{"cartridge":"01a1fe38-4fb5-705f-9315-77d4472e185c"}}','392b23a1e5c3927121a69b892779b011b8bc9b1520d7904a0017997a271b62f2');
INSERT INTO "journal" VALUES(115,'{"actor":{"person":"root","station":"vm"},"at":"2026-11-21T13:07:46.083279696Z","details":{"place":{"address":1027,"kind":"storage","library":"01a1fe38-4fb8-7f98-a689-a76922c5e0bd","place":"element"},"witness":"robot"},"kind":"cartridge_placed","previous":"392b23a1e5c3927121a69b892779b011b8bc9b1520d7904a0017997a271b62f2","sequence":115,"subjects":{"cartridge":"01a1fe38-4fb5-7e38-81aa-edcc44573634"}}','cfe77430917276a94c6f7462ab6af3f3c0c265af4aa4b6c8b2d8902e91d9adb2');
CREATE TABLE key (
    id            TEXT NOT NULL PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE,
    recipient     TEXT NOT NULL UNIQUE,
    role          TEXT NOT NULL CHECK (role IN ('site', 'escrow', 'other')),
    identity_kind TEXT NOT NULL CHECK (identity_kind IN ('none', 'prompt', 'file', 'credential')),
    identity_name BLOB,
    created_at    TEXT NOT NULL,
    retired_at    TEXT,
    CONSTRAINT key_identity_named
        CHECK ((identity_name IS NOT NULL) = (identity_kind IN ('file', 'credential')))
) STRICT;
INSERT INTO "key" VALUES('01a1fe38-4fa2-77ac-9f22-3bbd4a5e99ac','site','age1m3r5rdctlxez2e6yutj6pfmac3gsvp7jz420rhkvjz7fd4ms74ksk8c8tz','site','file',X'6B6579732F736974652E6964656E74697479','2026-11-21T13:07:45.698704597Z',NULL);
CREATE TABLE lease (
    resource TEXT NOT NULL PRIMARY KEY,
    host     TEXT NOT NULL,
    pid      INTEGER NOT NULL,
    run      TEXT REFERENCES run (id),
    purpose  TEXT NOT NULL,
    since    TEXT NOT NULL
) STRICT;
CREATE TABLE library (
    id            TEXT NOT NULL PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE,
    vendor        TEXT NOT NULL,
    product       TEXT NOT NULL,
    serial        TEXT NOT NULL,
    first_seen_at TEXT NOT NULL,
    CONSTRAINT library_identity UNIQUE (vendor, product, serial)
) STRICT;
INSERT INTO "library" VALUES('01a1fe38-4fb8-7f98-a689-a76922c5e0bd','virtual','TAPEWARD','LIBRARY-24','V253199A','2026-11-21T13:07:45.720525285Z');
CREATE TABLE place_event (
    id        INTEGER PRIMARY KEY,
    cartridge TEXT NOT NULL REFERENCES cartridge (id),
    at        TEXT NOT NULL,
    place     TEXT NOT NULL CHECK (place IN
        ('element', 'outside', 'in_transit', 'safe', 'vault', 'missing', 'unknown')),
    library   TEXT REFERENCES library (id),
    kind      TEXT CHECK (kind IN ('transport', 'storage', 'import_export', 'drive')),
    element   INTEGER CHECK (element BETWEEN 0 AND 65535),
    name      TEXT,
    witness   TEXT NOT NULL CHECK (witness IN ('robot', 'person', 'derived')),
    run       TEXT REFERENCES run (id),
    note      TEXT,
    CONSTRAINT place_element_whole CHECK ((place = 'element') =
        (library IS NOT NULL AND kind IS NOT NULL AND element IS NOT NULL)),
    CONSTRAINT place_named CHECK ((place IN ('safe', 'vault')) = (name IS NOT NULL))
) STRICT;
INSERT INTO "place_event" VALUES(1,'01a1fe38-4fb5-786f-a43f-0a5ece03b780','2026-11-21T13:07:45.721311141Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1025,NULL,'robot',NULL,NULL);
INSERT INTO "place_event" VALUES(2,'01a1fe38-4fb5-768f-940a-be843e17caa9','2026-11-21T13:07:45.721311141Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1026,NULL,'robot',NULL,NULL);
INSERT INTO "place_event" VALUES(3,'01a1fe38-4fb5-7e38-81aa-edcc44573634','2026-11-21T13:07:45.721311141Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1027,NULL,'robot',NULL,NULL);
INSERT INTO "place_event" VALUES(4,'01a1fe38-4fb5-705f-9315-77d4472e185c','2026-11-21T13:07:45.721311141Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1028,NULL,'robot',NULL,NULL);
INSERT INTO "place_event" VALUES(5,'01a1fe38-4fb5-7411-b5ba-82216f0ae6e5','2026-11-21T13:07:45.721311141Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1029,NULL,'robot',NULL,NULL);
INSERT INTO "place_event" VALUES(6,'01a1fe38-4fb5-7875-a303-7cf0a3fb7ef7','2026-11-21T13:07:45.721311141Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1030,NULL,'robot',NULL,NULL);
INSERT INTO "place_event" VALUES(7,'01a1fe38-4fb5-7adb-a1f4-ece7755048ef','2026-11-21T13:07:45.721311141Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1031,NULL,'robot',NULL,NULL);
INSERT INTO "place_event" VALUES(8,'01a1fe38-4fb5-75fb-b4fa-5910a9a7631e','2026-11-21T13:07:45.721311141Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1032,NULL,'robot',NULL,NULL);
INSERT INTO "place_event" VALUES(9,'01a1fe38-4fb5-749f-957e-4f416593e46d','2026-11-21T13:07:45.721311141Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1033,NULL,'robot',NULL,NULL);
INSERT INTO "place_event" VALUES(10,'01a1fe38-4fb5-74a8-b080-7d8b1ce65756','2026-11-21T13:07:45.721311141Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1034,NULL,'robot',NULL,NULL);
INSERT INTO "place_event" VALUES(11,'01a1fe38-4fb5-7628-829a-056ee6d019f4','2026-11-21T13:07:45.721311141Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1035,NULL,'robot',NULL,NULL);
INSERT INTO "place_event" VALUES(12,'01a1fe38-4fb5-7441-b39e-98751384afd3','2026-11-21T13:07:45.721311141Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1036,NULL,'robot',NULL,NULL);
INSERT INTO "place_event" VALUES(13,'01a1fe38-4fb5-732f-a6a0-df77fdf82584','2026-11-21T13:07:45.721311141Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1037,NULL,'robot',NULL,NULL);
INSERT INTO "place_event" VALUES(14,'01a1fe38-4fb5-7a2e-a56e-0dfa5a730023','2026-11-21T13:07:45.721311141Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1038,NULL,'robot',NULL,NULL);
INSERT INTO "place_event" VALUES(15,'01a1fe38-4fb5-725d-9022-cefa01472bcc','2026-11-21T13:07:45.721311141Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1039,NULL,'robot',NULL,NULL);
INSERT INTO "place_event" VALUES(16,'01a1fe38-4fb5-719b-b83b-8248211d17e2','2026-11-21T13:07:45.721311141Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1040,NULL,'robot',NULL,NULL);
INSERT INTO "place_event" VALUES(17,'01a1fe38-4fb5-7415-8805-d6b923e80af6','2026-11-21T13:07:45.721311141Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1041,NULL,'robot',NULL,NULL);
INSERT INTO "place_event" VALUES(18,'01a1fe38-4fb5-78fa-9b24-4f0dc9edfd2d','2026-11-21T13:07:45.721311141Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1042,NULL,'robot',NULL,NULL);
INSERT INTO "place_event" VALUES(19,'01a1fe38-4fb5-7309-a6be-5af2afe74f9a','2026-11-21T13:07:45.721311141Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1043,NULL,'robot',NULL,NULL);
INSERT INTO "place_event" VALUES(20,'01a1fe38-4fb5-7b88-ac48-66a660e3e2aa','2026-11-21T13:07:45.721311141Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1044,NULL,'robot',NULL,NULL);
INSERT INTO "place_event" VALUES(21,'01a1fe38-4fb5-786f-a43f-0a5ece03b780','2026-11-21T13:07:45.773178624Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','drive',258,NULL,'robot','01a1fe38-4fde-71e0-a617-1d230c212956',NULL);
INSERT INTO "place_event" VALUES(22,'01a1fe38-4fb5-768f-940a-be843e17caa9','2026-11-21T13:07:45.793131808Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','drive',257,NULL,'robot','01a1fe38-4fde-71e0-a617-1d230c212956',NULL);
INSERT INTO "place_event" VALUES(23,'01a1fe38-4fb5-786f-a43f-0a5ece03b780','2026-11-21T13:07:45.834992378Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1025,NULL,'robot','01a1fe38-4fde-71e0-a617-1d230c212956',NULL);
INSERT INTO "place_event" VALUES(24,'01a1fe38-4fb5-768f-940a-be843e17caa9','2026-11-21T13:07:45.840414383Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1026,NULL,'robot','01a1fe38-4fde-71e0-a617-1d230c212956',NULL);
INSERT INTO "place_event" VALUES(25,'01a1fe38-4fb5-786f-a43f-0a5ece03b780','2026-11-21T13:07:45.845098061Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','import_export',769,NULL,'robot','01a1fe38-4fde-71e0-a617-1d230c212956',NULL);
INSERT INTO "place_event" VALUES(26,'01a1fe38-4fb5-768f-940a-be843e17caa9','2026-11-21T13:07:45.849419663Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','import_export',770,NULL,'robot','01a1fe38-4fde-71e0-a617-1d230c212956',NULL);
INSERT INTO "place_event" VALUES(27,'01a1fe38-4fb5-786f-a43f-0a5ece03b780','2026-11-21T13:07:45.961343114Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','drive',257,NULL,'robot','01a1fe38-50a0-7387-980b-6b61b8bceb5f',NULL);
INSERT INTO "place_event" VALUES(28,'01a1fe38-4fb5-786f-a43f-0a5ece03b780','2026-11-21T13:07:45.977019991Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','import_export',769,NULL,'robot','01a1fe38-50a0-7387-980b-6b61b8bceb5f',NULL);
INSERT INTO "place_event" VALUES(29,'01a1fe38-4fb5-768f-940a-be843e17caa9','2026-11-21T13:07:45.982775539Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','drive',257,NULL,'robot','01a1fe38-50a0-7387-980b-6b61b8bceb5f',NULL);
INSERT INTO "place_event" VALUES(30,'01a1fe38-4fb5-768f-940a-be843e17caa9','2026-11-21T13:07:45.994659308Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','import_export',770,NULL,'robot','01a1fe38-50a0-7387-980b-6b61b8bceb5f',NULL);
INSERT INTO "place_event" VALUES(31,'01a1fe38-4fb5-786f-a43f-0a5ece03b780','2026-11-21T13:07:46.013331202Z','outside',NULL,NULL,NULL,NULL,'robot',NULL,NULL);
INSERT INTO "place_event" VALUES(32,'01a1fe38-4fb5-7e38-81aa-edcc44573634','2026-11-21T13:07:46.036019348Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','drive',257,NULL,'robot',NULL,NULL);
INSERT INTO "place_event" VALUES(33,'01a1fe38-4fb5-705f-9315-77d4472e185c','2026-11-21T13:07:46.054866710Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','import_export',769,NULL,'robot',NULL,NULL);
INSERT INTO "place_event" VALUES(34,'01a1fe38-4fb5-7e38-81aa-edcc44573634','2026-11-21T13:07:46.083279696Z','element','01a1fe38-4fb8-7f98-a689-a76922c5e0bd','storage',1027,NULL,'robot',NULL,NULL);
CREATE TABLE run (
    id          TEXT NOT NULL PRIMARY KEY,
    kind        TEXT NOT NULL
        CHECK (kind IN ('backup', 'copy', 'verify', 'restore', 'label', 'inventory')),
    month       TEXT,
    state       TEXT NOT NULL
        CHECK (state IN ('planned', 'running', 'interrupted', 'waiting', 'done', 'failed')),
    plan        TEXT NOT NULL CHECK (json_valid(plan)),
    person      TEXT NOT NULL,
    station     TEXT NOT NULL,
    started_at  TEXT NOT NULL,
    finished_at TEXT,
    note        TEXT
) STRICT;
INSERT INTO "run" VALUES('01a1fe38-4fde-71e0-a617-1d230c212956','backup','2026-11','done','{"eject":true,"library":"virtual","month":"2026-11","sets":[{"copies":[[1,"onsite"],[2,"offsite"]],"definition":"01a1fe38-4fc4-7c6b-81b0-931e38979594","id":"01a1fe38-4fdb-7e3c-a042-d78b4888c3ee","name":"data","retention_days":365}],"verify":true}','root','vm','2026-11-21T13:07:45.758106095Z','2026-11-21T13:07:45.850299294Z',NULL);
INSERT INTO "run" VALUES('01a1fe38-50a0-7387-980b-6b61b8bceb5f','verify',NULL,'done','{"copies":[1,2],"set":"01a1fe38-4fdb-7e3c-a042-d78b4888c3ee"}','root','vm','2026-11-21T13:07:45.952467637Z','2026-11-21T13:07:45.995555280Z',NULL);
CREATE TABLE segment (
    backup_set       TEXT NOT NULL REFERENCES backup_set (id),
    number           INTEGER NOT NULL CHECK (number >= 0),
    stream_offset    INTEGER NOT NULL CHECK (stream_offset >= 0),
    plaintext_length INTEGER NOT NULL CHECK (plaintext_length >= 0),
    coded_length     INTEGER NOT NULL CHECK (coded_length >= 0),
    codec            TEXT NOT NULL CHECK (codec IN ('none', 'zstd', 'age', 'zstd+age')),
    digest           TEXT NOT NULL CHECK (length(digest) = 32),
    entries          INTEGER NOT NULL CHECK (entries >= 0),
    resume_point     TEXT NOT NULL CHECK (json_valid(resume_point)),
    part_file        TEXT,
    part_digest      TEXT CHECK (length(part_digest) = 64),
    closed_at        TEXT NOT NULL,
    PRIMARY KEY (backup_set, number),
    CONSTRAINT segment_part_whole CHECK ((part_file IS NULL) = (part_digest IS NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO "segment" VALUES('01a1fe38-4fdb-7e3c-a042-d78b4888c3ee',0,0,317440,317751,'age','734af03cbee2a180ce3497b02e4cff93',4,'{"last_path":[98,46,111,100,116],"partial":null,"stream_offset":317440,"phase":"ending"}',NULL,NULL,'2026-11-21T13:07:45.809609281Z');
CREATE TABLE segment_copy (
    backup_set    TEXT NOT NULL,
    segment       INTEGER NOT NULL,
    copy          INTEGER NOT NULL,
    volume        TEXT NOT NULL,
    tape_file     INTEGER NOT NULL,
    block_address INTEGER NOT NULL CHECK (block_address >= 0),
    state         TEXT NOT NULL
        CHECK (state IN ('committed', 'verified', 'lost', 'superseded')),
    committed_at  TEXT NOT NULL,
    verified_at   TEXT,
    PRIMARY KEY (volume, tape_file),
    FOREIGN KEY (backup_set, segment) REFERENCES segment (backup_set, number),
    FOREIGN KEY (backup_set, copy) REFERENCES set_copy (backup_set, copy),
    FOREIGN KEY (volume, tape_file) REFERENCES tape_file (volume, number)
) STRICT, WITHOUT ROWID;
INSERT INTO "segment_copy" VALUES('01a1fe38-4fdb-7e3c-a042-d78b4888c3ee',0,1,'01a1fe38-4fef-768a-8338-1f21b52443ef',4,16,'verified','2026-11-21T13:07:45.809623507Z','2026-11-21T13:07:45.969194612Z');
INSERT INTO "segment_copy" VALUES('01a1fe38-4fdb-7e3c-a042-d78b4888c3ee',0,2,'01a1fe38-5002-70c2-9e92-df0688af2470',4,16,'verified','2026-11-21T13:07:45.811039589Z','2026-11-21T13:07:45.989195736Z');
CREATE TABLE set_copy (
    backup_set TEXT NOT NULL REFERENCES backup_set (id),
    copy       INTEGER NOT NULL CHECK (copy BETWEEN 1 AND 9),
    pool       TEXT NOT NULL,
    state      TEXT NOT NULL
        CHECK (state IN ('writing', 'complete', 'verified', 'incomplete', 'lost', 'expired')),
    changed_at TEXT NOT NULL,
    PRIMARY KEY (backup_set, copy)
) STRICT, WITHOUT ROWID;
INSERT INTO "set_copy" VALUES('01a1fe38-4fdb-7e3c-a042-d78b4888c3ee',1,'onsite','verified','2026-11-21T13:07:45.970074694Z');
INSERT INTO "set_copy" VALUES('01a1fe38-4fdb-7e3c-a042-d78b4888c3ee',2,'offsite','verified','2026-11-21T13:07:45.989736314Z');
CREATE TABLE set_definition (
    id             TEXT NOT NULL PRIMARY KEY,
    name           TEXT NOT NULL UNIQUE,
    source         BLOB NOT NULL,
    compression    TEXT NOT NULL CHECK (compression IN ('none', 'zstd')),
    retention_days INTEGER CHECK (retention_days > 0),
    created_at     TEXT NOT NULL,
    changed_at     TEXT NOT NULL,
    retired_at     TEXT
) STRICT;
INSERT INTO "set_definition" VALUES('01a1fe38-4fc4-7c6b-81b0-931e38979594','data',X'2F746D702F73686F77776F726C642F737263','none',NULL,'2026-11-21T13:07:45.732682826Z','2026-11-21T13:07:45.732682826Z',NULL);
CREATE TABLE set_definition_copy (
    definition TEXT NOT NULL REFERENCES set_definition (id) ON DELETE CASCADE,
    copy       INTEGER NOT NULL CHECK (copy BETWEEN 1 AND 9),
    pool       TEXT NOT NULL,
    PRIMARY KEY (definition, copy)
) STRICT, WITHOUT ROWID;
CREATE TABLE set_definition_exclude (
    definition TEXT NOT NULL REFERENCES set_definition (id) ON DELETE CASCADE,
    path       BLOB NOT NULL,
    PRIMARY KEY (definition, path)
) STRICT, WITHOUT ROWID;
CREATE TABLE set_definition_key (
    definition TEXT NOT NULL REFERENCES set_definition (id) ON DELETE CASCADE,
    key        TEXT NOT NULL REFERENCES key (id),
    PRIMARY KEY (definition, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE set_key (
    backup_set TEXT NOT NULL REFERENCES backup_set (id),
    key        TEXT NOT NULL REFERENCES key (id),
    PRIMARY KEY (backup_set, key)
) STRICT, WITHOUT ROWID;
INSERT INTO "set_key" VALUES('01a1fe38-4fdb-7e3c-a042-d78b4888c3ee','01a1fe38-4fa2-77ac-9f22-3bbd4a5e99ac');
CREATE TABLE step (
    id          TEXT NOT NULL PRIMARY KEY,
    run         TEXT NOT NULL REFERENCES run (id),
    ordinal     INTEGER NOT NULL CHECK (ordinal >= 0),
    kind        TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('intended', 'done', 'failed', 'settled')),
    intent      TEXT NOT NULL CHECK (json_valid(intent)),
    observation TEXT CHECK (json_valid(observation)),
    started_at  TEXT NOT NULL,
    finished_at TEXT,
    CONSTRAINT step_order UNIQUE (run, ordinal),
    CONSTRAINT step_observed CHECK ((state = 'intended') = (observation IS NULL))
) STRICT;
INSERT INTO "step" VALUES('01a1fe38-4fe8-729e-9f49-dcc3efc42c5b','01a1fe38-4fde-71e0-a617-1d230c212956',0,'move','done','{"barcode":"TWV001L8","from":1025,"to":258}','{"seen_there":true}','2026-11-21T13:07:45.768939936Z','2026-11-21T13:07:45.773178624Z');
INSERT INTO "step" VALUES('01a1fe38-4ff5-7e31-821d-282bfaff3889','01a1fe38-4fde-71e0-a617-1d230c212956',1,'label','done','{"barcode":"TWV001L8","block_size":262144,"pool":"onsite","serial":"TWV001","volume":"01a1fe38-4fef-768a-8338-1f21b52443ef"}','{"volume":"01a1fe38-4fef-768a-8338-1f21b52443ef"}','2026-11-21T13:07:45.781938256Z','2026-11-21T13:07:45.784626000Z');
INSERT INTO "step" VALUES('01a1fe38-4ff9-79ff-af44-ea1f489cd857','01a1fe38-4fde-71e0-a617-1d230c212956',2,'write','done','{"barcode":"TWV001L8","copy":1,"set":"01a1fe38-4fdb-7e3c-a042-d78b4888c3ee","volume":"01a1fe38-4fef-768a-8338-1f21b52443ef"}','{"closed":true}','2026-11-21T13:07:45.785539745Z','2026-11-21T13:07:45.821159859Z');
INSERT INTO "step" VALUES('01a1fe38-4ffc-7c44-8467-eb5f03eed27f','01a1fe38-4fde-71e0-a617-1d230c212956',3,'move','done','{"barcode":"TWV002L8","from":1026,"to":257}','{"seen_there":true}','2026-11-21T13:07:45.788949796Z','2026-11-21T13:07:45.793131808Z');
INSERT INTO "step" VALUES('01a1fe38-5009-7158-852e-f55409e1c5a5','01a1fe38-4fde-71e0-a617-1d230c212956',4,'label','done','{"barcode":"TWV002L8","block_size":262144,"pool":"offsite","serial":"TWV002","volume":"01a1fe38-5002-70c2-9e92-df0688af2470"}','{"volume":"01a1fe38-5002-70c2-9e92-df0688af2470"}','2026-11-21T13:07:45.801121306Z','2026-11-21T13:07:45.803175748Z');
INSERT INTO "step" VALUES('01a1fe38-500b-7177-94ef-3dbb130fe7ed','01a1fe38-4fde-71e0-a617-1d230c212956',5,'write','done','{"barcode":"TWV002L8","copy":2,"set":"01a1fe38-4fdb-7e3c-a042-d78b4888c3ee","volume":"01a1fe38-5002-70c2-9e92-df0688af2470"}','{"closed":true}','2026-11-21T13:07:45.803790445Z','2026-11-21T13:07:45.821844647Z');
INSERT INTO "step" VALUES('01a1fe38-501e-7873-b44e-8eacec83a192','01a1fe38-4fde-71e0-a617-1d230c212956',6,'verify','done','{"copy":1,"set":"01a1fe38-4fdb-7e3c-a042-d78b4888c3ee"}','{"absent":[],"damaged":[],"segments":1}','2026-11-21T13:07:45.822869809Z','2026-11-21T13:07:45.826177139Z');
INSERT INTO "step" VALUES('01a1fe38-5022-74f9-8871-3d8849f9bea5','01a1fe38-4fde-71e0-a617-1d230c212956',7,'verify','done','{"copy":2,"set":"01a1fe38-4fdb-7e3c-a042-d78b4888c3ee"}','{"absent":[],"damaged":[],"segments":1}','2026-11-21T13:07:45.826882946Z','2026-11-21T13:07:45.829944127Z');
INSERT INTO "step" VALUES('01a1fe38-5028-7261-a55b-69c9a2fb7fc5','01a1fe38-4fde-71e0-a617-1d230c212956',8,'move','done','{"barcode":"TWV001L8","from":258,"to":1025}','{"seen_there":true}','2026-11-21T13:07:45.832227019Z','2026-11-21T13:07:45.834992378Z');
INSERT INTO "step" VALUES('01a1fe38-502d-7d39-8d60-e2c63b947bf7','01a1fe38-4fde-71e0-a617-1d230c212956',9,'move','done','{"barcode":"TWV002L8","from":257,"to":1026}','{"seen_there":true}','2026-11-21T13:07:45.837748920Z','2026-11-21T13:07:45.840414383Z');
INSERT INTO "step" VALUES('01a1fe38-5032-74f8-bec6-e3d8d77b0d71','01a1fe38-4fde-71e0-a617-1d230c212956',10,'move','done','{"barcode":"TWV001L8","from":1025,"to":769}','{"seen_there":true}','2026-11-21T13:07:45.842407271Z','2026-11-21T13:07:45.845098061Z');
INSERT INTO "step" VALUES('01a1fe38-5036-7198-80ef-1e7b3ef231ea','01a1fe38-4fde-71e0-a617-1d230c212956',11,'move','done','{"barcode":"TWV002L8","from":1026,"to":770}','{"seen_there":true}','2026-11-21T13:07:45.846665725Z','2026-11-21T13:07:45.849419663Z');
INSERT INTO "step" VALUES('01a1fe38-50a2-7b90-9a8e-8287aebcae10','01a1fe38-50a0-7387-980b-6b61b8bceb5f',0,'verify','done','{"copy":1,"set":"01a1fe38-4fdb-7e3c-a042-d78b4888c3ee"}','{"absent":[],"damaged":[],"segments":1}','2026-11-21T13:07:45.954490691Z','2026-11-21T13:07:45.970074694Z');
INSERT INTO "step" VALUES('01a1fe38-50a5-7477-80c6-655451c35336','01a1fe38-50a0-7387-980b-6b61b8bceb5f',1,'move','done','{"barcode":"TWV001L8","from":769,"to":257}','{"seen_there":true}','2026-11-21T13:07:45.957339535Z','2026-11-21T13:07:45.961343114Z');
INSERT INTO "step" VALUES('01a1fe38-50b3-7a40-b796-23f195408e48','01a1fe38-50a0-7387-980b-6b61b8bceb5f',2,'verify','done','{"copy":2,"set":"01a1fe38-4fdb-7e3c-a042-d78b4888c3ee"}','{"absent":[],"damaged":[],"segments":1}','2026-11-21T13:07:45.971025167Z','2026-11-21T13:07:45.989736314Z');
INSERT INTO "step" VALUES('01a1fe38-50b5-7a86-bdcf-c0b8d12bf9c1','01a1fe38-50a0-7387-980b-6b61b8bceb5f',3,'move','done','{"barcode":"TWV001L8","from":257,"to":769}','{"seen_there":true}','2026-11-21T13:07:45.973796597Z','2026-11-21T13:07:45.977019991Z');
INSERT INTO "step" VALUES('01a1fe38-50ba-7c82-b506-e62e1d5124c1','01a1fe38-50a0-7387-980b-6b61b8bceb5f',4,'move','done','{"barcode":"TWV002L8","from":770,"to":257}','{"seen_there":true}','2026-11-21T13:07:45.978973295Z','2026-11-21T13:07:45.982775539Z');
INSERT INTO "step" VALUES('01a1fe38-50c8-705c-9956-7836726fe1ec','01a1fe38-50a0-7387-980b-6b61b8bceb5f',5,'move','done','{"barcode":"TWV002L8","from":257,"to":770}','{"seen_there":true}','2026-11-21T13:07:45.992027168Z','2026-11-21T13:07:45.994659308Z');
CREATE TABLE tape_file (
    volume      TEXT NOT NULL REFERENCES volume (id),
    number      INTEGER NOT NULL CHECK (number >= 0),
    kind        TEXT NOT NULL CHECK (kind IN ('volume_header', 'segment_data', 'part',
        'index_part', 'set_index', 'directory')),
    first_block INTEGER NOT NULL CHECK (first_block >= 0),
    blocks      INTEGER NOT NULL CHECK (blocks >= 0),
    bytes       INTEGER NOT NULL CHECK (bytes >= 0),
    digest      TEXT NOT NULL CHECK (length(digest) = 32),
    trailer     TEXT NOT NULL,
    written_at  TEXT NOT NULL,
    PRIMARY KEY (volume, number)
) STRICT, WITHOUT ROWID;
INSERT INTO "tape_file" VALUES('01a1fe38-4fef-768a-8338-1f21b52443ef',1,'volume_header',5,1,296,'5167c4f1cb477a7b726adbfb54a0eb17','EOF1VOLUME           TWV00100010001000100026325 00000 000001TAPEWARD            EOF2F0000000000                                   00                            UTL101A1FE384FEF768A83381F21B52443EFVH00000000000000262144--                    UTL25167C4F1CB477A7B726ADBFB54A0EB1700000000000000000296000000000001            ','2026-11-21T13:07:45.784626000Z');
INSERT INTO "tape_file" VALUES('01a1fe38-4fef-768a-8338-1f21b52443ef',4,'segment_data',16,2,317751,'734af03cbee2a180ce3497b02e4cff93','EOF1SEG.0000000000   TWV00100010002000100026325027325 000002TAPEWARD            EOF2F0000000000                                   00                            UTL101A1FE384FDB7E3CA042D78B4888C3EESG00000000000000262144-A                    UTL2734AF03CBEE2A180CE3497B02E4CFF9300000000000000317751000000000002            ','2026-11-21T13:07:45.809623507Z');
INSERT INTO "tape_file" VALUES('01a1fe38-4fef-768a-8338-1f21b52443ef',7,'part',28,1,751,'e7e852249171dd0016af0fc6d50bd2db','EOF1PART.0000000000  TWV00100010003000100026325027325 000001TAPEWARD            EOF2F0000000000                                   00                            UTL101A1FE384FDB7E3CA042D78B4888C3EEPD00000000000000262144--                    UTL2E7E852249171DD0016AF0FC6D50BD2DB00000000000000000751000000000001            ','2026-11-21T13:07:45.809623507Z');
INSERT INTO "tape_file" VALUES('01a1fe38-4fef-768a-8338-1f21b52443ef',10,'index_part',39,1,966,'c19d3f8ffc9c3a3e2a85041bd5813be0','EOF1INDEX.0000000000 TWV00100010004000100026325027325 000001TAPEWARD            EOF2F0000000000                                   00                            UTL101A1FE384FDB7E3CA042D78B4888C3EEIP00000000000000262144-A                    UTL2C19D3F8FFC9C3A3E2A85041BD5813BE000000000000000000966000000000001            ','2026-11-21T13:07:45.809623507Z');
INSERT INTO "tape_file" VALUES('01a1fe38-4fef-768a-8338-1f21b52443ef',13,'set_index',50,1,1046,'f520594a1ea34bbbffccc78c2fe1961b','EOF1SETINDEX         TWV00100010005000100026325027325 000001TAPEWARD            EOF2F0000000000                                   00                            UTL101A1FE384FDB7E3CA042D78B4888C3EESI00000000000000262144-A                    UTL2F520594A1EA34BBBFFCCC78C2FE1961B00000000000000001046000000000001            ','2026-11-21T13:07:45.818329148Z');
INSERT INTO "tape_file" VALUES('01a1fe38-4fef-768a-8338-1f21b52443ef',16,'directory',61,1,1643,'55e111a7355cb94dfce5540795c51918','EOF1DIRECTORY        TWV00100010006000100026325 00000 000001TAPEWARD            EOF2F0000000000                                   00                            UTL101A1FE384FEF768A83381F21B52443EFDR00000000000000262144--                    UTL255E111A7355CB94DFCE5540795C5191800000000000000001643000000000001            ','2026-11-21T13:07:45.820177687Z');
INSERT INTO "tape_file" VALUES('01a1fe38-5002-70c2-9e92-df0688af2470',1,'volume_header',5,1,296,'3e2004b86b165aa2617c4485c9ea9759','EOF1VOLUME           TWV00200010001000100026325 00000 000001TAPEWARD            EOF2F0000000000                                   00                            UTL101A1FE38500270C29E92DF0688AF2470VH00000000000000262144--                    UTL23E2004B86B165AA2617C4485C9EA975900000000000000000296000000000001            ','2026-11-21T13:07:45.803175748Z');
INSERT INTO "tape_file" VALUES('01a1fe38-5002-70c2-9e92-df0688af2470',4,'segment_data',16,2,317751,'734af03cbee2a180ce3497b02e4cff93','EOF1SEG.0000000000   TWV00200010002000100026325027325 000002TAPEWARD            EOF2F0000000000                                   00                            UTL101A1FE384FDB7E3CA042D78B4888C3EESG00000000000000262144-A                    UTL2734AF03CBEE2A180CE3497B02E4CFF9300000000000000317751000000000002            ','2026-11-21T13:07:45.811039589Z');
INSERT INTO "tape_file" VALUES('01a1fe38-5002-70c2-9e92-df0688af2470',7,'part',28,1,751,'e7e852249171dd0016af0fc6d50bd2db','EOF1PART.0000000000  TWV00200010003000100026325027325 000001TAPEWARD            EOF2F0000000000                                   00                            UTL101A1FE384FDB7E3CA042D78B4888C3EEPD00000000000000262144--                    UTL2E7E852249171DD0016AF0FC6D50BD2DB00000000000000000751000000000001            ','2026-11-21T13:07:45.811039589Z');
INSERT INTO "tape_file" VALUES('01a1fe38-5002-70c2-9e92-df0688af2470',10,'index_part',39,1,966,'c19d3f8ffc9c3a3e2a85041bd5813be0','EOF1INDEX.0000000000 TWV00200010004000100026325027325 000001TAPEWARD            EOF2F0000000000                                   00                            UTL101A1FE384FDB7E3CA042D78B4888C3EEIP00000000000000262144-A                    UTL2C19D3F8FFC9C3A3E2A85041BD5813BE000000000000000000966000000000001            ','2026-11-21T13:07:45.811039589Z');
INSERT INTO "tape_file" VALUES('01a1fe38-5002-70c2-9e92-df0688af2470',13,'set_index',50,1,1046,'f520594a1ea34bbbffccc78c2fe1961b','EOF1SETINDEX         TWV00200010005000100026325027325 000001TAPEWARD            EOF2F0000000000                                   00                            UTL101A1FE384FDB7E3CA042D78B4888C3EESI00000000000000262144-A                    UTL2F520594A1EA34BBBFFCCC78C2FE1961B00000000000000001046000000000001            ','2026-11-21T13:07:45.817875467Z');
INSERT INTO "tape_file" VALUES('01a1fe38-5002-70c2-9e92-df0688af2470',16,'directory',61,1,1643,'1fc887320ac2df63a7ca390ea8e80fc3','EOF1DIRECTORY        TWV00200010006000100026325 00000 000001TAPEWARD            EOF2F0000000000                                   00                            UTL101A1FE38500270C29E92DF0688AF2470DR00000000000000262144--                    UTL21FC887320AC2DF63A7CA390EA8E80FC300000000000000001643000000000001            ','2026-11-21T13:07:45.820539262Z');
CREATE TABLE volume (
    id           TEXT NOT NULL PRIMARY KEY,
    cartridge    TEXT NOT NULL REFERENCES cartridge (id),
    serial       TEXT NOT NULL CHECK (length(serial) = 6),
    pool         TEXT NOT NULL,
    content      TEXT NOT NULL CHECK (content IN ('scratch', 'filling', 'full', 'expired',
        'held', 'quarantined', 'retired', 'destroyed')),
    capacity     INTEGER NOT NULL CHECK (capacity >= 0),
    block_size   INTEGER NOT NULL CHECK (block_size > 0),
    worm         INTEGER NOT NULL CHECK (worm IN (0, 1)),
    labelled_at  TEXT NOT NULL,
    retain_until TEXT,
    ended_at     TEXT
) STRICT;
INSERT INTO "volume" VALUES('01a1fe38-4fef-768a-8338-1f21b52443ef','01a1fe38-4fb5-786f-a43f-0a5ece03b780','TWV001','onsite','filling',67108864,262144,0,'2026-11-21T13:07:45.784626000Z','2027-11-21T13:07:45.762736183Z',NULL);
INSERT INTO "volume" VALUES('01a1fe38-5002-70c2-9e92-df0688af2470','01a1fe38-4fb5-768f-940a-be843e17caa9','TWV002','offsite','filling',67108864,262144,0,'2026-11-21T13:07:45.803175748Z','2027-11-21T13:07:45.762736183Z',NULL);
CREATE TABLE volume_event (
    id      INTEGER PRIMARY KEY,
    volume  TEXT NOT NULL REFERENCES volume (id),
    at      TEXT NOT NULL,
    content TEXT NOT NULL,
    reason  TEXT NOT NULL,
    run     TEXT REFERENCES run (id)
) STRICT;
INSERT INTO "volume_event" VALUES(1,'01a1fe38-4fef-768a-8338-1f21b52443ef','2026-11-21T13:07:45.784626000Z','scratch','labelled','01a1fe38-4fde-71e0-a617-1d230c212956');
INSERT INTO "volume_event" VALUES(2,'01a1fe38-5002-70c2-9e92-df0688af2470','2026-11-21T13:07:45.803175748Z','scratch','labelled','01a1fe38-4fde-71e0-a617-1d230c212956');
INSERT INTO "volume_event" VALUES(3,'01a1fe38-4fef-768a-8338-1f21b52443ef','2026-11-21T13:07:45.809623507Z','filling','written to','01a1fe38-4fde-71e0-a617-1d230c212956');
INSERT INTO "volume_event" VALUES(4,'01a1fe38-5002-70c2-9e92-df0688af2470','2026-11-21T13:07:45.811039589Z','filling','written to','01a1fe38-4fde-71e0-a617-1d230c212956');
CREATE UNIQUE INDEX drive_place ON drive (library, element) WHERE element IS NOT NULL;
CREATE INDEX step_open ON step (run) WHERE state = 'intended';
CREATE UNIQUE INDEX cartridge_barcode ON cartridge (barcode) WHERE gone_at IS NULL;
CREATE UNIQUE INDEX cartridge_element ON cartridge (place_library, place_element)
    WHERE place = 'element';
CREATE INDEX place_event_cartridge ON place_event (cartridge, id);
CREATE UNIQUE INDEX volume_serial ON volume (serial) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX volume_cartridge ON volume (cartridge) WHERE ended_at IS NULL;
CREATE INDEX volume_event_volume ON volume_event (volume, id);
CREATE INDEX backup_set_definition ON backup_set (definition, started_at);
CREATE INDEX backup_set_run ON backup_set (run);
CREATE UNIQUE INDEX segment_copy_live ON segment_copy (backup_set, copy, segment)
    WHERE state IN ('committed', 'verified');
CREATE INDEX segment_copy_segment ON segment_copy (backup_set, segment);
CREATE INDEX journal_run ON journal (run) WHERE run IS NOT NULL;
CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_in_order BEFORE INSERT ON journal
WHEN NEW.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM journal)
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER place_event_no_update BEFORE UPDATE ON place_event
BEGIN SELECT RAISE(ABORT, 'place events are append-only'); END;
CREATE TRIGGER place_event_no_delete BEFORE DELETE ON place_event
BEGIN SELECT RAISE(ABORT, 'place events are append-only'); END;
CREATE TRIGGER volume_event_no_update BEFORE UPDATE ON volume_event
BEGIN SELECT RAISE(ABORT, 'volume events are append-only'); END;
CREATE TRIGGER volume_event_no_delete BEFORE DELETE ON volume_event
BEGIN SELECT RAISE(ABORT, 'volume events are append-only'); END;
COMMIT;
PRAGMA user_version = 1;
PRAGMA application_id = 0;
