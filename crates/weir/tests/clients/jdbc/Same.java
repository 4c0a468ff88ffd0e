import java.io.PrintStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.sql.*;
import java.util.*;

/** What a Java program does all day, printed, to be compared between two ways to the server. */
public class Same {
    static PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    static String refused;

    interface Task {
        void run(Connection connection) throws Exception;
    }

    /** Arguments: the URL up to the database name, its parameters, the user, a statement that fails. */
    public static void main(String[] args) throws Exception {
        refused = args[3];
        section("prepared", args, "plain", Same::prepared);
        section("prepared in a database with classified columns", args, "shop", Same::prepared);
        section("types", args, "shop", Same::types);
        section("batches", args, "work_jdbc", Same::batches);
        section("generated keys", args, "plain", Same::generatedKeys);
        section("transactions", args, "work_jdbc", Same::transactions);
        section("transactions with autosave", args, "work_jdbc&autosave=always", Same::transactions);
        section("transactions in simple protocol", args, "work_jdbc&preferQueryMode=simple", Same::transactions);
        section("fetch size", args, "shop", Same::fetchSize);
        section("metadata", args, "shop", Same::metadata);
        section("cancel", args, "shop", Same::cancel);
        section("timeout", args, "shop", Same::timeout);
        section("notices", args, "plain", Same::notices);
        section("several statements", args, "plain", Same::severalStatements);
    }

    static void section(String title, String[] args, String database, Task task) throws Exception {
        out.println("== " + title);
        String[] parts = database.split("&", 2);
        String url = args[0] + parts[0] + args[1] + (parts.length > 1 ? "&" + parts[1] : "");
        try (Connection connection = DriverManager.getConnection(url, args[2], System.getenv("PASSWORD"))) {
            task.run(connection);
        }
    }

    static String told(ResultSet rows) throws SQLException {
        StringBuilder text = new StringBuilder();
        ResultSetMetaData columns = rows.getMetaData();
        for (int at = 1; at <= columns.getColumnCount(); at++) {
            text.append(columns.getColumnLabel(at)).append(':').append(columns.getColumnTypeName(at)).append(' ');
        }
        while (rows.next()) {
            text.append("\n  ");
            for (int at = 1; at <= columns.getColumnCount(); at++) {
                Object value = rows.getObject(at);
                String shown = value instanceof byte[] bytes ? Arrays.toString(bytes) : rows.getString(at);
                text.append(at > 1 ? " | " : "").append(shown);
            }
        }
        rows.close();
        return text.toString();
    }

    /** What a statement comes to: its rows, or its failure. */
    static void attempt(Statement statement, String sql) {
        try {
            boolean rows = statement.execute(sql);
            out.println(rows ? told(statement.getResultSet()) : "count " + statement.getUpdateCount());
        } catch (SQLException failed) {
            out.println("failed " + (failed.getSQLState().matches("42501|0A000|42601") ? "REFUSED" : failed.getSQLState()));
        } finally {
            try {
                out.println("  " + statement.getConnection().unwrap(org.postgresql.core.BaseConnection.class).getTransactionState());
            } catch (SQLException never) {
                out.println(never);
            }
        }
    }

    static void prepared(Connection connection) throws SQLException {
        String sql = "SELECT id, sku, price, tags, active, attributes FROM products WHERE id BETWEEN ? AND ? ORDER BY id";
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            // The sixth run is by a named statement and in binary.
            for (int run = 1; run <= 10; run++) {
                statement.setLong(1, run);
                statement.setLong(2, run + 2);
                out.println(told(statement.executeQuery()));
            }
        }
        try (PreparedStatement statement = connection.prepareStatement("SELECT 100 / ?::int AS part")) {
            for (int run = 0; run < 10; run++) {
                statement.setInt(1, run % 4);
                try {
                    out.println(told(statement.executeQuery()));
                } catch (SQLException failed) {
                    out.println(failed.getSQLState() + " " + failed.getMessage());
                }
            }
        }
    }

    static void types(Connection connection) throws SQLException {
        String sql = "SELECT ?::int2, ?::int4, ?::int8, ?::float4, ?::float8, ?::numeric, ?::text, ?::bytea, ?::bool, ?::date,"
            + " ?::timestamp, ?::timestamptz, ?::uuid, ?::int[], ?::text[], ?::json";
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int run = 0; run < 8; run++) {
                Object[] values = {(short) 7, 8, 9L, 1.5f, 2.5, new BigDecimal("12.340"), "it's — 'odd'", new byte[] {0, 1, -1},
                    true, java.time.LocalDate.of(1984, 7, 9), java.time.LocalDateTime.of(2026, 1, 2, 3, 4, 5, 6000),
                    java.time.OffsetDateTime.parse("2026-01-02T03:04:05Z"), new UUID(1, 2),
                    connection.createArrayOf("int4", new Integer[] {1, null, 3}),
                    connection.createArrayOf("text", new String[] {"a", "b,c"}), "{}"};
                for (int at = 0; at < values.length; at++) {
                    if (run == 7) {
                        statement.setNull(at + 1, Types.NULL);
                    } else {
                        statement.setObject(at + 1, values[at]);
                    }
                }
                out.println(told(statement.executeQuery()));
            }
        }
    }

    static void batches(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("TRUNCATE ledger");
            statement.addBatch("INSERT INTO ledger VALUES (1)");
            statement.addBatch("UPDATE ledger SET note = 'x' WHERE step = 1");
            statement.addBatch("DELETE FROM ledger WHERE step = 2");
            out.println(Arrays.toString(statement.executeBatch()));
        }
        try (PreparedStatement insert = connection.prepareStatement("INSERT INTO ledger VALUES (?, ?)")) {
            for (int round = 0; round < 3; round++) {
                for (int row = 0; row < 400; row++) {
                    insert.setInt(1, row);
                    insert.setString(2, row % 5 == 0 ? null : "row " + row);
                    insert.addBatch();
                }
                out.println(Arrays.stream(insert.executeBatch()).sum());
            }
        }
        for (boolean autocommit : new boolean[] {true, false}) {
            connection.setAutoCommit(autocommit);
            try (Statement statement = connection.createStatement()) {
                statement.addBatch("INSERT INTO ledger VALUES (1001)");
                statement.addBatch(refused);
                statement.addBatch("INSERT INTO ledger VALUES (1002)");
                out.println(Arrays.toString(statement.executeBatch()));
            } catch (BatchUpdateException failed) {
                out.println("failed " + Arrays.toString(failed.getUpdateCounts()));
            }
            if (!autocommit) {
                connection.rollback();
            }
            try (Statement statement = connection.createStatement()) {
                out.println(told(statement.executeQuery("SELECT count(*) FROM ledger")));
            }
        }
    }

    static void generatedKeys(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("CREATE TEMP TABLE keyed (id serial PRIMARY KEY, a text)");
        }
        try (PreparedStatement insert =
            connection.prepareStatement("INSERT INTO keyed (a) VALUES (?)", Statement.RETURN_GENERATED_KEYS)) {
            for (int run = 0; run < 8; run++) {
                insert.setString(1, "row");
                insert.executeUpdate();
                out.println(told(insert.getGeneratedKeys()));
            }
        }
    }

    static void transactions(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("TRUNCATE ledger");
            connection.setAutoCommit(false);
            attempt(statement, "INSERT INTO ledger VALUES (1)");
            attempt(statement, refused);
            attempt(statement, "INSERT INTO ledger VALUES (2)");
            try {
                connection.commit();
                out.println("committed");
            } catch (SQLException failed) {
                out.println("no commit: " + failed.getSQLState());
            }
            attempt(statement, "INSERT INTO ledger VALUES (3)");
            Savepoint savepoint = connection.setSavepoint("here");
            attempt(statement, "INSERT INTO ledger VALUES (4)");
            attempt(statement, refused);
            connection.rollback(savepoint);
            attempt(statement, "INSERT INTO ledger VALUES (5)");
            connection.commit();
            connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            connection.setReadOnly(true);
            attempt(statement, "INSERT INTO ledger VALUES (6)");
            connection.rollback();
            connection.setReadOnly(false);
            connection.setAutoCommit(true);
            attempt(statement, refused);
            attempt(statement, "SELECT step FROM ledger ORDER BY step");
        }
    }

    static void fetchSize(Connection connection) throws SQLException {
        connection.setAutoCommit(false);
        try (PreparedStatement one = connection.prepareStatement("SELECT id, sku FROM products ORDER BY id");
            PreparedStatement other = connection.prepareStatement("SELECT g, 'row ' || g FROM generate_series(1, ?) g")) {
            for (int run = 0; run < 7; run++) {
                one.setFetchSize(7);
                other.setFetchSize(100);
                other.setInt(1, 1000 + run);
                // Two portals open at once, each suspended many times.
                ResultSet first = one.executeQuery();
                ResultSet second = other.executeQuery();
                long sum = 0;
                while (second.next()) {
                    sum += second.getInt(1) + second.getString(2).length();
                    if (first.next()) {
                        sum += first.getLong(1);
                    }
                }
                out.println(sum + " " + first.isAfterLast());
                first.close();
            }
            other.setFetchSize(10);
            ResultSet left = other.executeQuery();
            left.next();
            connection.rollback();
            try {
                int rows = 1;
                while (left.next()) {
                    rows++;
                }
                out.println(rows);
            } catch (SQLException failed) {
                out.println("its portal is gone: " + failed.getSQLState());
            }
        }
        connection.rollback();
    }

    static void metadata(Connection connection) throws SQLException {
        DatabaseMetaData meta = connection.getMetaData();
        out.println(meta.getDatabaseProductVersion() + " " + meta.getMaxColumnNameLength() + " " + meta.getSQLKeywords());
        out.println(told(meta.getCatalogs()));
        out.println(told(meta.getSchemas()));
        out.println(told(meta.getTableTypes()));
        out.println(told(meta.getTables(null, null, "%", new String[] {"TABLE", "VIEW", "INDEX", "SEQUENCE"})));
        out.println(told(meta.getTables(null, "pg_catalog", "pg_%", null)));
        for (String table : new String[] {"customers", "orders", "products", "customer_orders", "pg_class"}) {
            out.println(told(meta.getColumns(null, null, table, "%")));
            out.println(told(meta.getPrimaryKeys(null, null, table)));
            out.println(told(meta.getImportedKeys(null, null, table)));
            out.println(told(meta.getExportedKeys(null, null, table)));
            out.println(told(meta.getIndexInfo(null, null, table, false, true)));
            out.println(told(meta.getColumnPrivileges(null, null, table, "%")));
            out.println(told(meta.getTablePrivileges(null, null, table)));
            out.println(told(meta.getBestRowIdentifier(null, null, table, DatabaseMetaData.bestRowSession, true)));
        }
        out.println(told(meta.getTypeInfo()));
        out.println(told(meta.getFunctions(null, "pg_catalog", "l%")));
        out.println(told(meta.getProcedures(null, null, "%")));
        out.println(told(meta.getFunctionColumns(null, "pg_catalog", "lpad", "%")));
        out.println(told(meta.getUDTs(null, "public", "%", null)));
        out.println(told(meta.getClientInfoProperties()));
        try (PreparedStatement statement = connection.prepareStatement("SELECT * FROM customers WHERE id = ? AND city = ?")) {
            ResultSetMetaData columns = statement.getMetaData();
            ParameterMetaData parameters = statement.getParameterMetaData();
            for (int at = 1; at <= columns.getColumnCount(); at++) {
                out.println(columns.getTableName(at) + " " + columns.getColumnName(at) + " " + columns.getColumnTypeName(at)
                    + " " + columns.getPrecision(at) + " " + columns.isNullable(at) + " " + columns.isAutoIncrement(at));
            }
            out.println(parameters.getParameterTypeName(1) + " " + parameters.getParameterTypeName(2));
        }
    }

    static void cancel(Connection connection) throws Exception {
        try (Statement statement = connection.createStatement()) {
            java.util.concurrent.CountDownLatch ended = new java.util.concurrent.CountDownLatch(1);
            // Nothing happens as long as nothing runs, so it is tried until the statement has ended.
            Thread canceller = new Thread(() -> {
                try {
                    while (!ended.await(200, java.util.concurrent.TimeUnit.MILLISECONDS)) {
                        statement.cancel();
                    }
                } catch (Exception failed) {
                    out.println(failed);
                }
            });
            canceller.start();
            try {
                statement.execute("SELECT pg_sleep(60)");
                out.println("slept");
            } catch (SQLException failed) {
                out.println(failed.getSQLState() + " " + failed.getMessage());
            }
            ended.countDown();
            canceller.join();
            out.println(told(statement.executeQuery("SELECT 'still here' AS me")));
            statement.cancel();
            out.println(told(statement.executeQuery("SELECT 'and here' AS me")));
        }
    }

    static void timeout(Connection connection) throws Exception {
        try (Statement statement = connection.createStatement()) {
            statement.setQueryTimeout(1);
            try {
                statement.execute("SELECT pg_sleep(60)");
                out.println("slept");
            } catch (SQLException failed) {
                out.println(failed.getSQLState());
            }
        }
        out.println(connection.isValid(5));
    }

    static void notices(Connection connection) throws Exception {
        try (Statement statement = connection.createStatement()) {
            statement.execute("DROP TABLE IF EXISTS no_such_table");
            for (SQLWarning warning = statement.getWarnings(); warning != null; warning = warning.getNextWarning()) {
                out.println(warning.getSQLState() + " " + warning.getMessage());
            }
            statement.execute("LISTEN jdbc_news");
            statement.execute("NOTIFY jdbc_news, 'hello'");
            org.postgresql.PGNotification[] heard = connection.unwrap(org.postgresql.PGConnection.class).getNotifications();
            out.println(heard.length + " " + heard[0].getName() + " " + heard[0].getParameter());
        }
    }

    static void severalStatements(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            boolean rows = statement.execute("SELECT 1 AS a; SELECT 2 AS b; CREATE TEMP TABLE t (a int); SELECT 3 AS c");
            while (rows || statement.getUpdateCount() != -1) {
                out.println(rows ? told(statement.getResultSet()) : "count " + statement.getUpdateCount());
                rows = statement.getMoreResults();
            }
        }
        try (CallableStatement call = connection.prepareCall("{? = call lower(?)}")) {
            call.registerOutParameter(1, Types.VARCHAR);
            for (int run = 0; run < 7; run++) {
                call.setString(2, "LOUD");
                call.execute();
                out.println(call.getString(1));
            }
        }
        try (Statement statement = connection.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE)) {
            statement.execute("CREATE TEMP TABLE edited (id int PRIMARY KEY, a text)");
            statement.execute("INSERT INTO edited VALUES (1, 'one'), (2, 'two')");
            ResultSet rows = statement.executeQuery("SELECT id, a FROM edited ORDER BY id");
            rows.last();
            rows.updateString(2, "zwei");
            rows.updateRow();
            out.println(told(statement.executeQuery("SELECT id, a FROM edited ORDER BY id")));
        }
    }
}
