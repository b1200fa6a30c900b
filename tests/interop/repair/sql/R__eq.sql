SELECT '${p}';
