import java.io.*;
import java.nio.charset.StandardCharsets;
import java.sql.*;
import java.util.zip.CRC32;
import org.postgresql.PGConnection;
import org.postgresql.copy.*;

/** What a Java program does with COPY, printed, to be compared between two ways to the server. */
public class Copies {
    static PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    /** Arguments: the URL, the user. */
    public static void main(String[] args) throws Exception {
        try (Connection connection = DriverManager.getConnection(args[0], args[1], System.getenv("PASSWORD"))) {
            CopyManager copies = connection.unwrap(PGConnection.class).getCopyAPI();
            try (Statement statement = connection.createStatement()) {
                statement.execute("CREATE TEMP TABLE filled (n int PRIMARY KEY, t text)");
                whole(copies, statement);
                pieces(copies, statement);
                failures(copies, statement);
                transactions(connection, copies, statement);
            }
        }
    }

    static String count(Statement statement) throws SQLException {
        try (ResultSet rows = statement.executeQuery("SELECT count(*), sum(n), max(length(t)) FROM filled")) {
            rows.next();
            return rows.getString(1) + " " + rows.getString(2) + " " + rows.getString(3);
        }
    }

    static String lines(int from, int to) {
        StringBuilder text = new StringBuilder();
        for (int n = from; n < to; n++) {
            text.append(n).append('\t').append(n % 5 == 0 ? "\\N" : "Zeile ä " + "x".repeat(n % 300)).append('\n');
        }
        return text.toString();
    }

    static void whole(CopyManager copies, Statement statement) throws Exception {
        out.println(copies.copyIn("COPY filled FROM STDIN", new StringReader(lines(0, 20000))) + " in: " + count(statement));
        byte[] csv = "n,t\n20001,\"quoted \"\"text\"\",\nover lines\"\n".getBytes(StandardCharsets.UTF_8);
        out.println(copies.copyIn("COPY filled FROM STDIN (FORMAT csv, HEADER)", new ByteArrayInputStream(csv)) + " in");
        for (String form : new String[] {"", " (FORMAT csv, HEADER, FORCE_QUOTE *)", " (FORMAT binary)"}) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            long rows = copies.copyOut("COPY (SELECT * FROM filled ORDER BY n) TO STDOUT" + form, bytes);
            CRC32 sum = new CRC32();
            sum.update(bytes.toByteArray());
            out.println(rows + " out, " + bytes.size() + " bytes, " + sum.getValue());
        }
        StringWriter text = new StringWriter();
        copies.copyOut("COPY products (id, sku, price) TO STDOUT", text);
        out.println(text.toString().length() + " " + text.toString().lines().findFirst().get());
    }

    /** Row by row, by the driver's own streams, and one that is given up. */
    static void pieces(CopyManager copies, Statement statement) throws Exception {
        CopyOut reading = copies.copyOut("COPY (SELECT n FROM filled ORDER BY n) TO STDOUT");
        out.println(reading.getFieldCount() + " " + reading.getFormat());
        int rows = 0;
        while (reading.readFromCopy() != null) {
            rows++;
        }
        out.println(rows + " rows, " + reading.getHandledRowCount());
        CopyIn writing = copies.copyIn("COPY filled FROM STDIN");
        for (int n = 30000; n < 30500; n++) {
            byte[] line = (n + "\trow\n").getBytes(StandardCharsets.UTF_8);
            writing.writeToCopy(line, 0, line.length);
        }
        out.println(writing.endCopy() + " " + count(statement));
        CopyIn given = copies.copyIn("COPY filled FROM STDIN");
        given.writeToCopy("40000\tnever\n".getBytes(StandardCharsets.UTF_8), 0, 12);
        given.cancelCopy();
        out.println("given up: " + count(statement));
    }

    static void failures(CopyManager copies, Statement statement) throws Exception {
        String[][] tries = {
            {"COPY filled FROM STDIN", "50000\tone\n50000\tagain\n"},
            {"COPY filled FROM STDIN", "fifty\tone\n" + lines(60000, 90000)},
            {"COPY filled FROM STDIN", "1\n"},
            {"COPY no_such_table FROM STDIN", "1\n"},
            {"COPY filled (no_such_column) FROM STDIN", "1\n"},
        };
        for (String[] one : tries) {
            try {
                out.println(copies.copyIn(one[0], new StringReader(one[1])));
            } catch (SQLException failed) {
                out.println(failed.getSQLState() + " " + failed.getMessage());
            }
            out.println(count(statement));
        }
        try {
            copies.copyOut("COPY (SELECT 10 / (5 - g) FROM generate_series(1, 9) g) TO STDOUT", new StringWriter());
        } catch (SQLException failed) {
            out.println(failed.getSQLState() + " " + failed.getMessage());
        }
        out.println(count(statement));
    }

    static void transactions(Connection connection, CopyManager copies, Statement statement) throws Exception {
        connection.setAutoCommit(false);
        copies.copyIn("COPY filled FROM STDIN", new StringReader(lines(100000, 100100)));
        out.println(count(statement));
        connection.rollback();
        out.println(count(statement));
        connection.rollback();
    }
}
