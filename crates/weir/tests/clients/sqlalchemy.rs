//! SQLAlchemy 2.1 on psycopg: the script of `sqlalchemy/`, on both releases.

use testkit::Release;

use crate::house::house;

#[test]
fn the_orm_works_as_it_does_directly() {
    for release in Release::ALL {
        house(release).python("sqlalchemy/orm.py", &["work"]);
    }
}

#[test]
fn rows_come_by_server_side_cursors() {
    for release in Release::ALL {
        house(release).python("sqlalchemy/orm.py", &["cursors"]);
    }
}
