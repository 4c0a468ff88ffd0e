"""SQLAlchemy's ORM, its bulk inserts, its reflection and its server-side cursors: the same as directly."""

import datetime
import decimal
import enum
import os
import sys

import sqlalchemy as sa
from sqlalchemy import orm

ENV = os.environ


def through(database, user="alice", **more):
    url = sa.URL.create("postgresql+psycopg", user, ENV[f"TOKEN_{user}"], "localhost", int(ENV["WEIR_PORT"]), database,
                        query={"sslmode": "verify-full", "sslrootcert": ENV["WEIR_CA"]})
    return sa.create_engine(url, **more)


def directly(database, **more):
    url = sa.URL.create("postgresql+psycopg", ENV["DIRECT_USER"], ENV["DIRECT_PASSWORD"], "127.0.0.1",
                        int(ENV["DIRECT_PORT"]), database, query={"sslmode": "disable"})
    return sa.create_engine(url, **more)


def both(test, database, **more):
    """Runs a test on both ways, asserts that it returns the same, and returns that."""
    print(test.__name__, database, flush=True)
    results = []
    for connect in (directly, through):
        engine = connect(database, **more)
        results.append(test(engine))
        engine.dispose()
    direct, weir = results
    assert direct == weir, f"{test.__name__}:\ndirectly     {direct!r}\nthrough Weir {weir!r}"
    return weir


class Base(orm.DeclarativeBase):
    metadata = sa.MetaData(schema="office")


class Mood(enum.Enum):
    GOOD = 1
    BAD = 2


tagged = sa.Table(
    "tagged", Base.metadata,
    sa.Column("paper", sa.ForeignKey("papers.id"), primary_key=True),
    sa.Column("tag", sa.ForeignKey("tags.id"), primary_key=True),
)


class Desk(Base):
    __tablename__ = "desks"
    id: orm.Mapped[int] = orm.mapped_column(sa.Identity(), primary_key=True)
    room: orm.Mapped[str] = orm.mapped_column(sa.String(20), unique=True)
    mood: orm.Mapped[Mood | None]
    width: orm.Mapped[decimal.Decimal] = orm.mapped_column(sa.Numeric(8, 3), server_default="1.5")
    made: orm.Mapped[datetime.datetime] = orm.mapped_column(sa.DateTime(timezone=True), server_default="2026-11-25 08:00+00")
    version: orm.Mapped[int] = orm.mapped_column()
    papers: orm.Mapped[list["Paper"]] = orm.relationship(back_populates="desk", cascade="all, delete-orphan", order_by="Paper.id")
    __mapper_args__ = {"version_id_col": version}


class Paper(Base):
    __tablename__ = "papers"
    id: orm.Mapped[int] = orm.mapped_column(sa.Identity(), primary_key=True)
    desk_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("desks.id"))
    title: orm.Mapped[str]
    pages: orm.Mapped[int] = orm.mapped_column(sa.CheckConstraint("pages > 0"))
    data: orm.Mapped[dict | None] = orm.mapped_column(sa.JSON)
    desk: orm.Mapped[Desk] = orm.relationship(back_populates="papers")
    tags: orm.Mapped[list["Tag"]] = orm.relationship(secondary=tagged, order_by="Tag.word")
    __table_args__ = (sa.Index("papers_title", "title", postgresql_include=["pages"]), {"comment": "What lies on desks"})


class Tag(Base):
    __tablename__ = "tags"
    id: orm.Mapped[int] = orm.mapped_column(sa.Identity(), primary_key=True)
    word: orm.Mapped[str] = orm.mapped_column(unique=True)


def anew(engine):
    """A schema made by SQLAlchemy, with its checks of what is there already."""
    with engine.begin() as connection:
        connection.execute(sa.schema.CreateSchema("office", if_not_exists=True))
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    Base.metadata.create_all(engine)


def unit_of_work(engine):
    anew(engine)
    told = []
    with orm.Session(engine) as session:
        tags = [Tag(word=word) for word in ("late", "blue", "long")]
        desk = Desk(room="2.17", mood=Mood.GOOD)
        desk.papers = [Paper(title=f"paper {n}", pages=n + 1, data={"n": n}, tags=tags[: n % 4]) for n in range(10)]
        session.add_all([desk, Desk(room="2.18", width=decimal.Decimal("0.125"))])
        session.commit()
        told += [desk.id, desk.width, desk.made, desk.version, [(p.id, p.title, [t.word for t in p.tags]) for p in desk.papers]]
        desk.papers[3].title = "changed"
        desk.papers[4].data = None
        del desk.papers[8:]
        desk.mood = Mood.BAD
        session.flush()
        with session.begin_nested() as savepoint:
            session.add(Paper(title="never", pages=1, desk=desk))
            session.flush()
            savepoint.rollback()
        session.commit()
        loaded = session.scalars(sa.select(Desk).options(orm.selectinload(Desk.papers).selectinload(Paper.tags)).order_by(Desk.id))
        told += [(d.room, d.mood, d.version, [(p.title, p.data, len(p.tags)) for p in d.papers]) for d in loaded]
        joined = sa.select(Desk.room, sa.func.count(Paper.id), sa.func.sum(Paper.pages)).join(Desk.papers, isouter=True)
        told += [tuple(row) for row in session.execute(joined.group_by(Desk.room).order_by(Desk.room))]
        for broken in (Desk(room="2.17"), Paper(title="thin", pages=0, desk_id=desk.id), Paper(title="lost", pages=1, desk_id=77)):
            session.add(broken)
            try:
                session.flush()
            except sa.exc.IntegrityError as error:
                told.append((error.orig.sqlstate, error.orig.diag.constraint_name, error.orig.diag.message_detail))
            session.rollback()
        # Somebody else was faster.
        with orm.Session(engine) as other:
            other.get(Desk, desk.id).mood = None
            stale = session.get(Desk, desk.id)
            stale.mood
            other.commit()
            stale.mood = Mood.GOOD
            try:
                session.commit()
            except orm.exc.StaleDataError:
                told.append("stale")
            session.rollback()
    return told


def insertmanyvalues(engine):
    anew(engine)
    told = []
    with orm.Session(engine) as session:
        rows = [{"word": f"word {n}"} for n in range(2500)]
        told += session.scalars(sa.insert(Tag).returning(Tag.id, sort_by_parameter_order=True), rows).all()
        session.add_all([Tag(word=f"more {n}") for n in range(1200)])
        session.flush()
        session.execute(sa.update(Tag), [{"id": n, "word": f"other {n}"} for n in range(1, 50)])
        told += session.execute(sa.update(Tag).where(Tag.id < 5).values(word=Tag.word + "!").returning(Tag.id, Tag.word)).all()
        told.append(session.execute(sa.delete(Tag).where(Tag.id > 2000)).rowcount)
        from sqlalchemy.dialects.postgresql import insert
        upsert = insert(Tag).values([{"word": "other 9"}, {"word": "new"}])
        upsert = upsert.on_conflict_do_update(index_elements=["word"], set_={"word": upsert.excluded.word + " again"})
        told += session.scalars(upsert.returning(Tag.word)).all()
        session.commit()
    return told


def reflection(engine):
    """What an inspector finds of the whole database."""
    told = {}
    inspector = sa.inspect(engine)
    for schema in inspector.get_schema_names():
        if schema == "information_schema":
            continue
        told[schema] = [inspector.get_table_names(schema), inspector.get_view_names(schema), inspector.get_sequence_names(schema),
                        inspector.get_materialized_view_names(schema), inspector.get_enums(schema)]
        for kind in ("columns", "pk_constraint", "foreign_keys", "indexes", "unique_constraints", "check_constraints",
                     "table_comment", "table_options"):
            found = getattr(inspector, f"get_multi_{kind}")(schema=schema, kind=sa.engine.reflection.ObjectKind.ANY)
            told[schema, kind] = {key: repr(value) for key, value in found.items()}
    metadata = sa.MetaData()
    metadata.reflect(engine, views=True)
    told["tables"] = {name: [str(column.type) for column in table.columns] for name, table in metadata.tables.items()}
    told["exists"] = [inspector.has_table(name) for name in ("products", "no_such_table")]
    return told


def expressions(engine):
    metadata = sa.MetaData()
    items, products = (sa.Table(name, metadata, autoload_with=engine) for name in ("order_items", "products"))
    ranked = sa.select(products.c.sku, sa.func.row_number().over(order_by=products.c.price.desc()).label("place")).cte("ranked")
    recursive = sa.select(sa.literal(1).label("n")).cte(recursive=True)
    recursive = recursive.union_all(sa.select(recursive.c.n + 1).where(recursive.c.n < 10))
    queries = [
        sa.select(ranked).where(ranked.c.place < 4).order_by(ranked.c.place),
        sa.select(recursive.c.n),
        sa.select(items.c.line, sa.func.array_agg(sa.distinct(items.c.quantity))).group_by(items.c.line).order_by(items.c.line),
        sa.select(products.c.attributes["colour"].as_string(), sa.func.count()).group_by(sa.text("1")).order_by(sa.text("1")),
        sa.select(products.c.id).where(sa.literal("sale") == sa.func.any(products.c.tags)).order_by(products.c.id).limit(5).offset(2),
        sa.select(products.c.id, items.c.order_id).join(items, items.c.product_id == products.c.id).order_by(items.c.order_id, items.c.line).limit(9),
        sa.select(sa.exists().where(products.c.sku == "no")), sa.union(sa.select(sa.literal(1)), sa.select(sa.literal(2))).order_by(sa.text("1")),
        sa.select(sa.cast("2026-11-25", sa.Date), sa.extract("year", sa.cast("2026-11-25", sa.Date)), sa.func.coalesce(None, "x")),
    ]
    told = []
    with engine.connect() as connection:
        for query in queries:
            told.append([tuple(row) for row in connection.execute(query)])
        for level in ("SERIALIZABLE", "REPEATABLE READ", "AUTOCOMMIT"):
            connection.rollback()
            connection = connection.execution_options(isolation_level=level)
            told.append((level, connection.get_isolation_level(), connection.scalar(sa.text("SHOW transaction_isolation"))))
    return told


def server_side_cursors(engine):
    """Rows by FETCH from a named cursor, some at a time; one left in the middle."""
    told = []
    with engine.connect() as connection:
        streaming = connection.execution_options(yield_per=100)
        query = sa.text("SELECT id, sku, price FROM products ORDER BY id")
        told += [[len(part), part[0].sku] for part in streaming.execute(query).partitions()]
        with streaming.execute(query) as result:
            told += [tuple(row) for row in result.fetchmany(3)]
        told.append(connection.scalar(sa.text("SELECT count(*) FROM pg_cursors WHERE name NOT LIKE '%weir%'")))
        broken = streaming.execute(sa.text("SELECT 10 / (150 - g) FROM generate_series(1, 200) g"))
        try:
            told.append(len(broken.all()))
        except sa.exc.DBAPIError as error:
            told.append(error.orig.sqlstate)
        connection.rollback()
        told.append(connection.scalar(sa.text("SELECT 1")))
    return told


def refusals():
    """A refusal is a database error like another; the pool's connection goes on."""
    engine = through("work_sqlalchemy", pool_size=1, max_overflow=0)
    with engine.connect() as connection:
        for query in ("SELECT gold FROM vault", "SELECT gold FROM vault WHERE gold = 1"):
            try:
                connection.execute(sa.text(query))
            except sa.exc.DBAPIError as error:
                assert error.orig.sqlstate == "42501" and "Nobody opens the vault." in str(error), error
                assert not error.connection_invalidated
            else:
                raise AssertionError("the vault is open")
            connection.rollback()
        assert connection.scalar(sa.text("SELECT 1")) == 1
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT 2")) == 2
    engine.dispose()


def sight():
    """What is classified stays hidden, by every way of asking."""
    engine = through("shop")
    metadata = sa.MetaData()
    customers = sa.Table("customers", metadata, autoload_with=engine)
    query = sa.select(customers.c.id, customers.c.name, customers.c.email, customers.c.ssn).where(customers.c.id == 1)
    shown = (1, "Giuseppe Esposito", "g***@w***.example", "[redacted]")
    with engine.connect() as connection:
        for _ in range(8):
            assert tuple(connection.execute(query).one()) == shown
        everything = connection.execute(sa.select(customers).where(customers.c.id == 1)).mappings().one()
        assert (everything["ssn"], everything["birth_date"].isoformat()) == ("[redacted]", "1975-01-01"), everything
    engine.dispose()


def sight_by_cursor():
    engine = through("shop")
    query = sa.text("SELECT id, name, email, ssn FROM customers WHERE id < 300 ORDER BY id")
    with engine.connect() as connection:
        rows = connection.execution_options(yield_per=50).execute(query).all()
        assert len(rows) == 299 and tuple(rows[0]) == (1, "Giuseppe Esposito", "g***@w***.example", "[redacted]"), rows[0]
        assert {row.ssn for row in rows} <= {"[redacted]", None}
    engine.dispose()


def work():
    both(unit_of_work, "work_sqlalchemy")
    assert len(both(insertmanyvalues, "work_sqlalchemy")) > 2500
    both(reflection, "work_sqlalchemy")
    both(reflection, "shop")
    both(expressions, "plain")
    both(expressions, "shop")
    refusals()
    sight()


def cursors():
    both(server_side_cursors, "plain")
    both(server_side_cursors, "shop")
    sight_by_cursor()


if __name__ == "__main__":
    {"work": work, "cursors": cursors}[sys.argv[1]]()
