PRAGMA application_id = 1380142670;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE boxes (
    image_id INTEGER NOT NULL REFERENCES images (id),
    id INTEGER NOT NULL,
    x1 REAL NOT NULL,
    y1 REAL NOT NULL,
    x2 REAL NOT NULL,
    y2 REAL NOT NULL,
    category_id INTEGER NOT NULL REFERENCES categories (id),
    flags INTEGER NOT NULL,
    source INTEGER NOT NULL,
    run_id TEXT,
    score REAL,
    edited INTEGER NOT NULL,
    place INTEGER,
    extra TEXT NOT NULL,
    PRIMARY KEY (image_id, id)
) WITHOUT ROWID;
INSERT INTO "boxes" VALUES(1,1,6.0,3.0,24.0,30.0,1,0,1,NULL,NULL,1,0,'');
INSERT INTO "boxes" VALUES(1,2,12.0,3.0,30.0,30.0,2,0,1,NULL,NULL,0,1,'');
INSERT INTO "boxes" VALUES(2,3,3.0,3.0,21.0,30.0,1,0,1,NULL,NULL,0,0,'');
INSERT INTO "boxes" VALUES(2,4,15.0,3.0,33.0,30.0,2,0,1,NULL,NULL,1,1,'');
INSERT INTO "boxes" VALUES(3,9,4.0,3.0,22.0,30.0,3,0,1,NULL,NULL,0,0,'');
INSERT INTO "boxes" VALUES(3,10,14.0,3.0,32.0,30.0,2,0,1,NULL,NULL,0,1,'');
INSERT INTO "boxes" VALUES(4,7,5.0,6.0,25.0,36.0,1,0,0,NULL,NULL,0,NULL,'');
CREATE TABLE categories (
    id INTEGER PRIMARY KEY,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    color TEXT NOT NULL,
    hotkey TEXT,
    supercategory TEXT NOT NULL,
    extra TEXT NOT NULL
);
INSERT INTO "categories" VALUES(1,0,'bolt','#0072b2','1','','');
INSERT INTO "categories" VALUES(2,1,'hex nut','#e69f00','2','','');
INSERT INTO "categories" VALUES(3,2,'washer','#009e73','3','','');
CREATE TABLE files (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL,
    relative INTEGER NOT NULL,
    format TEXT NOT NULL,
    split TEXT NOT NULL,
    options TEXT NOT NULL,
    hash TEXT NOT NULL,
    origin TEXT NOT NULL CHECK (origin IN ('disk', 'stored', 'none')),
    status TEXT NOT NULL DEFAULT 'ok' CHECK (status IN ('ok', 'conflict', 'refused')),
    message TEXT NOT NULL DEFAULT '',
    places_from INTEGER NOT NULL DEFAULT 0,
    revision INTEGER NOT NULL DEFAULT 0,
    written INTEGER NOT NULL DEFAULT 0
);
INSERT INTO "files" VALUES(0,'../voc/Annotations/img_0.xml',1,'voc','','{"one_based":false,"evidence":"0-based: nothing says otherwise, and most labelling tools count from 0.","folder":"JPEGImages"}','a7265468208303da9323be4234d4d4b12563a485e04ead9907998c0e4023b663','stored','ok','',0,8,8);
INSERT INTO "files" VALUES(1,'../voc/Annotations/img_1.xml',1,'voc','','{"one_based":false,"evidence":"0-based: nothing says otherwise, and most labelling tools count from 0.","folder":"JPEGImages"}','e40871d44492b70044015a23bfaa32df8045c953952a6d4939ec996e031633e6','stored','ok','',0,11,8);
INSERT INTO "files" VALUES(2,'../voc/Annotations/img_2.xml',1,'voc','','{"one_based":false,"evidence":"0-based: nothing says otherwise, and most labelling tools count from 0.","folder":"JPEGImages"}','95fc12f1c956f32454384ed04b89112bbbba52ffcb2323b23bc4ebf6f5385e2f','stored','ok','',8,10,10);
INSERT INTO "files" VALUES(3,'../voc/Annotations/img_3.xml',1,'voc','','{"one_based":false,"evidence":"0-based: nothing says otherwise, and most labelling tools count from 0.","folder":"JPEGImages"}','683ae26012c1c2169791b1c7e996f3841c87a3f935fa59f535942049cb7281ae','none','ok','',0,2,2);
CREATE TABLE history (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    time TEXT NOT NULL,
    text TEXT NOT NULL,
    edit TEXT NOT NULL,
    image_ids TEXT NOT NULL
);
INSERT INTO "history" VALUES(1,'2026-11-21T05:27:35.970+00:00','Move box','{"text":"Move box","images":[{"image":1,"state":[1,1],"removed":[{"id":1,"xyxy":[2.0,3.0,20.0,30.0],"category":1,"source":1,"place":0}],"added":[{"id":1,"xyxy":[6.0,3.0,24.0,30.0],"category":1,"source":1,"edited":true,"place":0}]}]}','[1]');
INSERT INTO "history" VALUES(2,'2026-11-21T05:27:35.972+00:00','Draw box','{"text":"Draw box","images":[{"image":4,"state":[0,1],"added":[{"id":7,"xyxy":[5.0,6.0,25.0,36.0],"category":1,"source":0}]}]}','[4]');
INSERT INTO "history" VALUES(3,'2026-11-21T05:27:35.972+00:00','Set state','{"text":"Set state","images":[{"image":2,"state":[1,3]}]}','[2]');
INSERT INTO "history" VALUES(4,'2026-11-21T05:27:35.973+00:00','Delete box','{"text":"Delete box","images":[{"image":2,"state":[3,1],"removed":[{"id":3,"xyxy":[3.0,3.0,21.0,30.0],"category":1,"source":1,"place":0}]}]}','[2]');
INSERT INTO "history" VALUES(5,'2026-11-21T05:27:35.977+00:00','Delete box','{"text":"Delete box","images":[{"image":2,"state":[1,3],"added":[{"id":3,"xyxy":[3.0,3.0,21.0,30.0],"category":1,"source":1,"place":0}]}]}','[2]');
INSERT INTO "history" VALUES(6,'2026-11-21T05:27:35.978+00:00','To val','{"text":"To val","images":[{"image":3,"state":[1,1],"split":["","val"]}]}','[3]');
INSERT INTO "history" VALUES(7,'2026-11-21T05:27:35.978+00:00','Reject','{"text":"Reject","images":[{"image":1,"state":[1,1],"rejections_added":[["run",1,1.5,2.0,30.0,40.0,0.9]]}]}','[1]');
INSERT INTO "history" VALUES(8,'2026-11-21T05:27:35.979+00:00','Rename nut','{"text":"Rename nut","images":[],"categories":[[{"id":1,"name":"bolt","color":"#0072b2","hotkey":"1"},{"id":2,"name":"nut","color":"#e69f00","hotkey":"2"}],[{"id":1,"name":"bolt","color":"#0072b2","hotkey":"1"},{"id":2,"name":"hex nut","color":"#e69f00","hotkey":"2"}]]}','[]');
INSERT INTO "history" VALUES(9,'2026-11-21T05:27:35.983+00:00','Move box','{"text":"Move box","images":[{"image":3,"state":[1,1],"removed":[{"id":5,"xyxy":[4.0,3.0,22.0,30.0],"category":1,"source":1,"place":0}],"added":[{"id":5,"xyxy":[8.0,3.0,26.0,30.0],"category":1,"source":1,"edited":true,"place":0}]}]}','[3]');
INSERT INTO "history" VALUES(10,'2026-11-21T05:27:35.986+00:00','Take over img_2.png as changed by another program','{"text":"Take over img_2.png as changed by another program","images":[{"image":3,"state":[1,1],"removed":[{"id":5,"xyxy":[8.0,3.0,26.0,30.0],"category":1,"source":1,"edited":true,"place":0},{"id":6,"xyxy":[14.0,3.0,32.0,30.0],"category":2,"source":1,"place":1}],"added":[{"id":9,"xyxy":[4.0,3.0,22.0,30.0],"category":3,"source":1,"place":0},{"id":10,"xyxy":[14.0,3.0,32.0,30.0],"category":2,"source":1,"place":1}]}],"categories":[[{"id":1,"name":"bolt","color":"#0072b2","hotkey":"1"},{"id":2,"name":"hex nut","color":"#e69f00","hotkey":"2"}],[{"id":1,"name":"bolt","color":"#0072b2","hotkey":"1"},{"id":2,"name":"hex nut","color":"#e69f00","hotkey":"2"},{"id":3,"name":"washer","color":"#009e73","hotkey":"3"}]]}','[3]');
INSERT INTO "history" VALUES(11,'2026-11-21T05:27:35.987+00:00','Move box','{"text":"Move box","images":[{"image":2,"state":[3,1],"removed":[{"id":4,"xyxy":[13.0,3.0,31.0,30.0],"category":2,"source":1,"place":1}],"added":[{"id":4,"xyxy":[15.0,3.0,33.0,30.0],"category":2,"source":1,"edited":true,"place":1}]}]}','[2]');
CREATE TABLE images (
    id INTEGER PRIMARY KEY,
    root_id INTEGER NOT NULL REFERENCES roots (id),
    path TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 4),
    split TEXT NOT NULL,
    box_count INTEGER NOT NULL,
    touched INTEGER NOT NULL DEFAULT 0,
    file_id INTEGER REFERENCES files (id),
    place INTEGER,
    extra TEXT NOT NULL
);
INSERT INTO "images" VALUES(1,0,'img_0.png',64,48,1,'',2,1,0,NULL,'');
INSERT INTO "images" VALUES(2,0,'img_1.png',64,48,1,'',2,1,1,NULL,'');
INSERT INTO "images" VALUES(3,0,'img_2.png',64,48,1,'val',2,1,2,NULL,'');
INSERT INTO "images" VALUES(4,0,'img_3.png',64,48,1,'',1,1,3,NULL,'');
CREATE TABLE intents (
    file_id INTEGER PRIMARY KEY REFERENCES files (id),
    expected TEXT NOT NULL,
    intended TEXT NOT NULL,
    revision INTEGER NOT NULL,
    time TEXT NOT NULL
);
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "meta" VALUES('app_version','0.1.0');
INSERT INTO "meta" VALUES('created','2026-11-21T05:27:35.966+00:00');
INSERT INTO "meta" VALUES('current_image','2');
INSERT INTO "meta" VALUES('name','project');
INSERT INTO "meta" VALUES('next_box_id','11');
INSERT INTO "meta" VALUES('project_id','35d7d549-52cc-416c-be4c-4cb1c6ecd076');
CREATE TABLE migrations (version INTEGER PRIMARY KEY, applied TEXT NOT NULL, app_version TEXT NOT NULL);
INSERT INTO "migrations" VALUES(1,'2026-11-21T05:27:35.965+00:00','0.1.0');
CREATE TABLE originals (file_id INTEGER PRIMARY KEY REFERENCES files (id), data BLOB NOT NULL);
INSERT INTO "originals" VALUES(0,X'789CBD51410E8230103C63E21F2A772CC275ED0BFC83696DC12AEC12A80ABFB70594188F265EDA99E9CE6C260589484E3A4BC8EEA6B585357A1F23C562BD8AA0B09541591B61EBF2986E1B2C81BFB53040EA624E2EC008465151E580BFDE2368A833E2600A2F8E701265EB046C928449E617569A2129D203BB223D3A9624620A3B1BA9E7306F0FA6D1AE502BEA05F4B5EC4596021F81A716451698BF6108670E7C98999FC8D340C3289F234205BE74F8AE83B7FFB6C93FDBEC7EA9037CF95B4F9F99939A6E');
INSERT INTO "originals" VALUES(1,X'789CBD51410EC220103CD7C43FA0F78AB5D79517F80703422BDAEE362D6AFB7B81561BE3D1C41333C3CC90092011C9496709D9DDB4B6B046EFD7486BB15C2450D8CAA0AC8DB07579CC360D96C0DF5A3090BA98930B3081282AAA1CF0D77D020D75461C4CE1C5084751B64EC02A4D9964FEC14A3324457A6057A447C7D2548C656723F554E6E32114E30AB5A25E405FCB5EEC32E011786A51E481F91386890D13F38E7C1B68B0F2A9224CE0F386EF3978FBEF9AFC734DF6CB1CE0F3DF7AFA049E399A73');
INSERT INTO "originals" VALUES(2,X'789CBD51410E8230103C63E21FAA77AC82C7B52FF00FA6D845AAB24BA00AFCDE1650633C9A7869672633D34C0A9A889D769649DCB1B6B945B35B122FD57C16416EAF48BA4465CBD32159557402F9D28281B3331E5D80110C62AB9B026B904F47041537A8F6983B90031C455D3B058B38165AF827AF4610676C7A71216E1B11C76AAC2B509BA9CCC7436888676432EE1474A5EE5492801C80A796D436307F431FCE14643F31EF48D78106AB9C2AC208F95EF13DA8C04ED0CDFD7551FAB968F3CB2490EF1FF6F401BFA39CB6');
CREATE TABLE problems (
    id INTEGER PRIMARY KEY,
    file TEXT NOT NULL,
    place TEXT NOT NULL,
    kind TEXT NOT NULL,
    message TEXT NOT NULL,
    action TEXT NOT NULL,
    level TEXT NOT NULL
);
CREATE TABLE rejections (
    image_id INTEGER NOT NULL REFERENCES images (id),
    run_id TEXT NOT NULL,
    category_id INTEGER NOT NULL,
    x1 REAL NOT NULL,
    y1 REAL NOT NULL,
    x2 REAL NOT NULL,
    y2 REAL NOT NULL,
    score REAL NOT NULL,
    PRIMARY KEY (image_id, run_id, category_id, x1, y1, x2, y2, score)
) WITHOUT ROWID;
INSERT INTO "rejections" VALUES(1,'run',1,1.5,2.0,30.0,40.0,0.9);
CREATE TABLE roots (id INTEGER PRIMARY KEY, path TEXT NOT NULL, relative INTEGER NOT NULL);
INSERT INTO "roots" VALUES(0,'../voc/JPEGImages',1);
ANALYZE "sqlite_master";
CREATE INDEX files_pending ON files (revision) WHERE revision <> written;
CREATE INDEX files_status ON files (status) WHERE status = 'conflict';
CREATE INDEX images_file ON images (file_id);
CREATE INDEX boxes_category ON boxes (category_id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('history',11);
COMMIT;
