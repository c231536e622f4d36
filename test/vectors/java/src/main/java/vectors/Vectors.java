package vectors;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Prints test vectors as JSON: {@code murmur2}, {@code batches}, {@code numbers}, {@code read <file>} for batches made
 * elsewhere, or {@code avro <file>} for schemas and values listed there.
 */
public final class Vectors {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] args) throws Exception {
        List<Map<String, Object>> vectors = switch (args[0]) {
            case "murmur2" -> Murmur2.vectors();
            case "batches" -> Batches.vectors();
            case "numbers" -> Numbers.vectors();
            case "avro" -> Avro.vectors(new File(args[1]));
            case "read" -> read(new File(args[1]));
            default -> throw new IllegalArgumentException(args[0]);
        };
        StringBuilder lines = new StringBuilder("[\n");
        for (int i = 0; i < vectors.size(); i++) {
            lines.append(JSON.writeValueAsString(vectors.get(i))).append(i + 1 < vectors.size() ? ",\n" : "\n");
        }
        System.out.print(lines.append("]\n"));
    }

    private static List<Map<String, Object>> read(File file) throws Exception {
        List<Map<String, Object>> read = new ArrayList<>();
        Map<String, String> batches = JSON.readValue(file, new TypeReference<LinkedHashMap<String, String>>() {});
        batches.forEach((name, hex) -> read.add(Batches.described(name, hex)));
        return read;
    }
}
