//! The clients and servers that `scripts/setup` installs.

use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sandbox::{Builder, Installation, PostgresServer};

use crate::run::{Run, RunError};
use crate::{checkout, temp_folder};

const DRIVER: &str = "/usr/share/java/postgresql.jar";
/// javac and a cold JVM are slow on a busy machine.
const JAVA_LIMIT: Duration = Duration::from_secs(120);
/// dbt takes seconds to import itself.
const DBT_LIMIT: Duration = Duration::from_secs(180);

/// A release of PostgreSQL, server and programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// The distribution's own: 15 on Debian 12.
    Distribution,
    /// 18, from `target/tools`.
    V18,
}

impl Release {
    /// Both, for tests that must hold on each.
    pub const ALL: [Self; 2] = [Self::Distribution, Self::V18];
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Distribution => "the distribution's PostgreSQL",
            Self::V18 => "PostgreSQL 18",
        })
    }
}

/// Python with what `testkit/requirements.txt` lists, for those who need no other client; give it `-c` and code, or a file.
pub fn python() -> Result<Run, RunError> {
    Ok(Run::new(python_program()?).arg("-u"))
}

fn python_program() -> Result<PathBuf, RunError> {
    file("Python with drivers", checkout().join("target/tools/venv/bin/python"))
}

/// Everything that was found.
#[derive(Clone, Debug)]
pub struct Clients {
    distribution: Installation,
    v18: Installation,
    python: PathBuf,
    tools: PathBuf,
    java: PathBuf,
    javac: PathBuf,
    classes: PathBuf,
}

impl Clients {
    /// Finds all of them, or says which is missing.
    pub fn find() -> Result<Self, RunError> {
        let tools = checkout().join("target/tools");
        let programs = newest_of_distribution().unwrap_or_else(|| PathBuf::from("/usr/lib/postgresql"));
        let newest = tools.join("postgresql-18/bin");
        Ok(Self {
            distribution: postgres("PostgreSQL (server and psql)", &programs)?,
            v18: postgres("PostgreSQL 18 (server and psql)", &newest)?,
            python: python_program()?,
            tools: tools.clone(),
            java: on_path("java")?,
            javac: on_path("javac")?,
            classes: file("the JDBC driver", PathBuf::from(DRIVER)).map(|_| tools.join("java"))?,
        })
    }

    /// The installation of a release.
    pub fn installation(&self, release: Release) -> &Installation {
        match release {
            Release::Distribution => &self.distribution,
            Release::V18 => &self.v18,
        }
    }

    /// A private server of that release, to be changed and started.
    pub fn server(&self, release: Release) -> Builder {
        PostgresServer::builder().installation(self.installation(release).clone())
    }

    /// `psql` of that release, without start-up file. Connection, input and the rest are the test's.
    pub fn psql(&self, release: Release) -> Run {
        self.program(release, "psql").arg("-X")
    }

    /// Any program of that release: `pg_dump`, `pgbench` …
    pub fn program(&self, release: Release, name: &str) -> Run {
        Run::new(self.installation(release).program(name))
    }

    /// Python with psycopg, asyncpg and SQLAlchemy; give it `-c` and code, or a file.
    pub fn python(&self) -> Run {
        Run::new(&self.python).arg("-u")
    }

    /// Node.js, where `require` finds the drivers of `testkit/package.json`; give it a file.
    pub fn node(&self) -> Result<Run, RunError> {
        let modules = self.tools.join("node/node_modules");
        file("Node's drivers", modules.join("pg/package.json"))?;
        Ok(Run::new(on_path("node")?).env("NODE_PATH", modules))
    }

    /// dbt for PostgreSQL, which says nothing to anybody but the database; give it a command and the project's folder.
    pub fn dbt(&self) -> Result<Run, RunError> {
        file("dbt", self.tools.join("dbt/bin/dbt"))?;
        // Not its own program: that names the folder in which it was installed.
        let run = Run::new(self.tools.join("dbt/bin/python"));
        let run = run.args(["-W", "ignore", "-c", "from dbt.cli.main import cli; cli()"]);
        Ok(run.env("DBT_SEND_ANONYMOUS_USAGE_STATS", "false").limit(DBT_LIMIT))
    }

    /// A Java program of one source file with the JDBC driver at hand; its class has the file's name. Compiled once for
    /// each content, also when several tests ask at the same time.
    pub fn java(&self, source: &Path) -> Result<Run, RunError> {
        let text = fs::read(source).map_err(io("javac"))?;
        let mut hasher = DefaultHasher::new();
        (source, text).hash(&mut hasher);
        let compiled = self.classes.join(format!("{:016x}", hasher.finish()));
        if !compiled.is_dir() {
            self.compile(source, &compiled)?;
        }
        let class = source.file_stem().unwrap_or_default();
        let path = format!("{}:{DRIVER}", compiled.display());
        Ok(Run::new(&self.java)
            .args(["-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp"])
            .arg(path)
            .arg(class)
            .limit(JAVA_LIMIT))
    }

    /// Compiles beside the place and moves the result there whole, so that nobody runs half of it.
    fn compile(&self, source: &Path, to: &Path) -> Result<(), RunError> {
        let fresh = temp_folder("javac").map_err(io("javac"))?;
        let javac =
            Run::new(&self.javac).args(["-encoding", "UTF-8", "-cp", DRIVER, "-d"]).arg(fresh.path()).arg(source);
        let outcome = javac.limit(JAVA_LIMIT).finish()?;
        if !outcome.success() {
            return Err(RunError::NotCompiled { source_file: source.to_path_buf(), complaint: outcome.stderr });
        }
        fs::create_dir_all(&self.classes).map_err(io("javac"))?;
        let beside = tempfile::tempdir_in(&self.classes).map_err(io("javac"))?;
        let whole = beside.path().join("classes");
        copy_files(fresh.path(), &whole).map_err(io("javac"))?;
        // Somebody else may have been first; theirs is as good.
        match fs::rename(&whole, to) {
            Err(error) if !to.is_dir() => Err(io("javac")(error)),
            _ => Ok(()),
        }
    }
}

fn newest_of_distribution() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let newest = versions.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).max()?;
    Some(PathBuf::from(format!("/usr/lib/postgresql/{newest}/bin")))
}

fn postgres(tool: &'static str, bin: &Path) -> Result<Installation, RunError> {
    file(tool, bin.join("psql"))?;
    Installation::at(bin).map_err(|_| RunError::Missing { tool, path: bin.to_path_buf() })
}

fn file(tool: &'static str, path: PathBuf) -> Result<PathBuf, RunError> {
    if path.is_file() { Ok(path) } else { Err(RunError::Missing { tool, path }) }
}

fn on_path(program: &'static str) -> Result<PathBuf, RunError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path| path.is_file());
    found.ok_or_else(|| RunError::Missing { tool: program, path: PathBuf::from(path) })
}

/// The files of one folder; a Java program of one source without a package makes no others.
fn copy_files(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

fn io(program: &str) -> impl FnOnce(std::io::Error) -> RunError {
    let program = program.to_owned();
    move |source| RunError::Io { program, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tool_names_the_script_that_installs_it() {
        let error = file("PostgreSQL 18", PathBuf::from("/nowhere/psql")).unwrap_err().to_string();
        assert_eq!(error, "PostgreSQL 18 is missing (/nowhere/psql): run scripts/setup");
        assert!(on_path("no-such-program").unwrap_err().to_string().contains("run scripts/setup"));
    }

    #[test]
    fn java_is_compiled_and_finds_its_driver() {
        let clients = Clients::find().unwrap();
        let folder = temp_folder("java").unwrap();
        let source = folder.path().join("Hello.java");
        fs::write(
            &source,
            "public class Hello { public static void main(String[] a) throws Exception {
                 System.out.println(Class.forName(\"org.postgresql.Driver\").getSimpleName() + a[0]); } }",
        )
        .unwrap();
        for _ in 0..2 {
            let outcome = clients.java(&source).unwrap().arg("!").finish().unwrap();
            assert_eq!((&*outcome.stdout, &*outcome.stderr), ("Driver!\n", ""));
        }
        fs::write(&source, "public class Hello { nonsense }").unwrap();
        assert!(clients.java(&source).unwrap_err().to_string().contains("javac refuses"));
    }

    #[test]
    fn python_has_its_drivers() {
        let clients = Clients::find().unwrap();
        let code = "import psycopg, asyncpg, sqlalchemy; print(psycopg.pq.__impl__)";
        let outcome = clients.python().args(["-c", code]).finish().unwrap();
        assert_eq!((&*outcome.stdout, &*outcome.stderr), ("binary\n", ""));
    }

    #[test]
    fn node_and_dbt_have_their_drivers() {
        let clients = Clients::find().unwrap();
        let outcome =
            clients.node().unwrap().args(["-p", "typeof require('pg').Client + typeof require('pg-cursor')"]).finish();
        assert_eq!(outcome.unwrap().stdout, "functionfunction\n");
        let outcome = clients.dbt().unwrap().args(["build", "--help"]).finish().unwrap();
        assert!(outcome.stdout.contains("--profiles-dir"), "{outcome:?}");
    }
}
