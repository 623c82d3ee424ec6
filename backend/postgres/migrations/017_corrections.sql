-- How often quotes of days that were over have been written, by symbol. Instances keep
-- such quotes in memory for as long as this number stays the same. A symbol without a
-- row has the number zero.
create table corrections (
    symbol  text collate "C" primary key,
    version bigint not null
);
